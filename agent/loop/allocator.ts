import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { formatAddress, formatSubnet, type LocatedResource } from '../../manifests/index.ts';
import { type Allocations, allocateNetworks, type SubnetPools } from '../reconcile/networks/allocate.ts';
import { type Networking, namespacedRules, wantedNetworks } from '../reconcile/networks/networking.ts';
import type { DesiredState, ObservedState } from '../reconcile/state.ts';
import type { StateFiles } from '../state/state-files.ts';

/** Gives networks their ranges. */
export interface NetworkAllocator {
  /**
   * What Git and the node say of networks, with ranges that were kept before anybody uses them.
   * @throws the file system's error when they could not be.
   */
  settle(desired: DesiredState, resources: readonly LocatedResource[], observed: ObservedState): Promise<Networking>;
  /** The same, and nothing is kept: it is not to be carried out. */
  foresee(desired: DesiredState, resources: readonly LocatedResource[], observed: ObservedState): Promise<Networking>;
}

export interface AllocatorPorts {
  readonly pools: SubnetPools;
  readonly state: Pick<StateFiles, 'readAllocations' | 'writeAllocations'>;
  /** @returns the ranges that the node has routes to. */
  readonly routes: () => Promise<readonly string[]>;
}

/** Makes an allocator that reads what was kept when it is first asked. */
export function createAllocator({ pools, state, routes }: AllocatorPorts): NetworkAllocator {
  let kept: Allocations | null = null;
  const foresee: NetworkAllocator['foresee'] = async (desired, resources, observed) => {
    kept ??= await state.readAllocations();
    const known = kept;
    const wanted = wantedNetworks(desired.workloads, resources, known);
    const networks = observed.networks ?? [];
    const isNew = wanted.some(({ name }) => !Object.hasOwn(known, name));
    const occupied = { allocations: known, networks, routes: isNew ? await routes() : [] };
    return { networks: allocateNetworks(wanted, pools, occupied), ...namespacedRules(desired.workloads, resources) };
  };
  return {
    foresee,
    settle: async (desired, resources, observed) => {
      const networking = await foresee(desired, resources, observed);
      const next = { ...kept };
      for (const { name, ...network } of networking.networks) next[name] = network;
      if (JSON.stringify(next) !== JSON.stringify(kept)) {
        await state.writeAllocations(next);
        kept = next;
      }
      return networking;
    },
  };
}

/** @returns the ranges the node has routes to, from /proc (proc(5)); default routes and those of a link alone are none. */
export async function nodeRoutes(): Promise<readonly string[]> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const lines4 = (await read('/proc/net/route')).split('\n').slice(1);
  const routes4 = lines4.flatMap((line) => {
    const [, destination = '', , , , , , mask = ''] = line.split(/\s+/);
    const bits = bytesBackwards(mask).toString(2).replaceAll('0', '').length;
    if (!/^[0-9A-F]{8}$/.test(destination) || bits === 0) return [];
    return [`${formatAddress(4, bytesBackwards(destination))}/${bits}`];
  });
  const routes6 = (await read('/proc/net/ipv6_route')).split('\n').flatMap((line) => {
    const [destination = '', prefix = ''] = line.split(/\s+/);
    const isLocal = /^f[cd][0-9a-f]{30}$/.test(destination);
    return isLocal ? [`${formatAddress(6, BigInt(`0x${destination}`))}/${Number.parseInt(prefix, 16)}`] : [];
  });
  return [...new Set([...routes4, ...routes6])];
}

/** The kernel prints IPv4 addresses as numbers of a little-endian machine. */
function bytesBackwards(hex: string): bigint {
  return BigInt(`0x${(hex.match(/../g) ?? ['0']).reverse().join('')}`);
}

/** @returns a unique local range of this node's own (RFC 4193), the same on every start. */
export function ownRange6(nodeName: string): string {
  const id = createHash('sha256').update(`holdfast/${nodeName}`).digest().subarray(0, 5);
  const first = BigInt(`0xfd${id.toString('hex')}`) << 80n;
  return formatSubnet({ family: 6, first, prefixLength: 48 });
}
