import { readFile } from 'node:fs/promises';
import { formatAddress } from '../../manifests/index.ts';

/** @returns the ranges the node has routes to, from /proc (proc(5)). A file that cannot be read tells of none. */
export async function nodeRoutes(): Promise<readonly string[]> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  return routesIn(await read('/proc/net/route'), await read('/proc/net/ipv6_route'));
}

/**
 * @param table4 as `/proc/net/route` has it. @param table6 as `/proc/net/ipv6_route` has it.
 * @returns the ranges of the routes, each once; default routes are none, and of IPv6 only unique local ranges count.
 */
export function routesIn(table4: string, table6: string): readonly string[] {
  const routes4 = table4.split('\n').flatMap((line) => {
    const [, destination = '', , , , , , mask = ''] = line.split(/\s+/);
    if (!NUMBER4.test(destination) || !NUMBER4.test(mask)) return [];
    const bits = bytesBackwards(mask).toString(2).replaceAll('0', '').length;
    return bits === 0 ? [] : [`${formatAddress(4, bytesBackwards(destination))}/${bits}`];
  });
  const routes6 = table6.split('\n').flatMap((line) => {
    const [destination = '', prefix = ''] = line.split(/\s+/);
    if (!UNIQUE_LOCAL.test(destination)) return [];
    return [`${formatAddress(6, BigInt(`0x${destination}`))}/${Number.parseInt(prefix, 16)}`];
  });
  return [...new Set([...routes4, ...routes6])];
}

const NUMBER4 = /^[0-9A-F]{8}$/;
const UNIQUE_LOCAL = /^f[cd][0-9a-f]{30}$/;

/** The kernel prints IPv4 addresses as numbers of a little-endian machine. */
function bytesBackwards(hex: string): bigint {
  return BigInt(`0x${(hex.match(/../g) ?? ['0']).reverse().join('')}`);
}
