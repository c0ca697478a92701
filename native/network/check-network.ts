import { isIP } from 'node:net';
import type { BridgedNetwork, NetworkSpec, PortMap } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { overlaps, parseSubnet, type Subnet } from './addresses.ts';

const NAME = /^[a-z0-9_-][a-z0-9_.-]{0,199}$/;
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const PREFIX4 = { least: 8, most: 29 } as const;
/** Room for as many addresses as the largest IPv4 subnet has. */
const PREFIX6 = { least: 8, most: 96 } as const;
const UNIQUE_LOCAL = 0xfdn;
const LAST_PORT = 65_535;

/** A network's ranges. */
export interface Subnets {
  readonly subnet4: Subnet;
  readonly subnet6: Subnet | null;
}

/** @returns the subnets of a network. @throws BackendError `invalid-spec` naming the field. */
export function checkNetworkSpec(spec: NetworkSpec): Subnets {
  checkNetworkName(spec.name);
  return subnetsOf(spec);
}

/** @returns the subnets as numbers. @throws BackendError `invalid-spec` naming the field. */
export function subnetsOf(spec: Pick<NetworkSpec, 'subnet4' | 'subnet6'>): Subnets {
  const subnet4 = parseSubnet(spec.subnet4);
  const subnet6 = spec.subnet6 === null ? null : parseSubnet(spec.subnet6);
  const hint4 = `the first address and prefix of an IPv4 range, such as 10.88.0.0/24, with ${PREFIX4.least} to ${PREFIX4.most} bits`;
  const hint6 = `a unique local IPv6 range such as fd42:1:2:3::/64, with ${PREFIX6.least} to ${PREFIX6.most} bits, or null`;
  if (subnet4?.family !== 4 || !isWithin(subnet4.prefixLength, PREFIX4)) throw invalid('subnet4', spec.subnet4, hint4);
  if (spec.subnet6 === null) return { subnet4, subnet6: null };
  const isLocal = subnet6?.family === 6 && subnet6.first >> 120n === UNIQUE_LOCAL;
  if (!isLocal || !isWithin(subnet6.prefixLength, PREFIX6)) throw invalid('subnet6', spec.subnet6, hint6);
  return { subnet4, subnet6 };
}

/** @returns whether two specs ask for the same ranges: those of a network cannot change while somebody is on it. */
export function hasSameRanges(a: NetworkSpec, b: NetworkSpec): boolean {
  return a.subnet4 === b.subnet4 && a.subnet6 === b.subnet6;
}

/** @throws BackendError `invalid-spec` naming another network that has an address in common with this one. */
export function refuseOverlap({ name }: NetworkSpec, mine: Subnets, known: readonly NetworkSpec[]): void {
  for (const other of known) {
    if (other.name === name) continue;
    const theirs = subnetsOf(other);
    const meets6 = mine.subnet6 !== null && theirs.subnet6 !== null && overlaps(mine.subnet6, theirs.subnet6);
    if (!meets6 && !overlaps(mine.subnet4, theirs.subnet4)) continue;
    const message = `the subnets of ${name} and of network ${other.name} overlap`;
    throw new BackendError('invalid-spec', 'check network', message);
  }
}

/** @throws BackendError `invalid-spec`: the name becomes part of a path. */
export function checkNetworkName(name: string): void {
  if (!NAME.test(name)) throw invalid('name', name, '1 to 200 of a-z 0-9 _ . - that do not begin with a dot');
}

/** @throws BackendError `invalid-spec`: the name becomes part of a hosts file. */
export function checkHostName(field: string, name: string): void {
  if (!HOST_NAME.test(name)) throw invalid(field, name, 'a host name');
}

/** @throws BackendError `invalid-spec` naming the field. */
export function checkBridgedNetwork({ networks, ports, hosts = [] }: BridgedNetwork): void {
  if (networks.length === 0) throw invalid('network.networks', networks, 'at least one');
  for (const { name, aliases } of networks) {
    checkNetworkName(name);
    if (networks.filter((other) => other.name === name).length > 1)
      throw invalid('network.networks', name, 'each once');
    for (const alias of aliases) checkHostName('network.networks.aliases', alias);
  }
  for (const { address, names } of hosts) {
    if (isIP(address) === 0 || address.includes('%')) throw invalid('network.hosts.address', address, 'an address');
    if (names.length === 0) throw invalid('network.hosts.names', names, 'at least one');
    for (const name of names) checkHostName('network.hosts.names', name);
  }
  for (const port of ports) {
    checkPort(port);
    if (ports.some((other) => other !== port && isSamePort(other, port)))
      throw invalid('network.ports', port, 'each port of an address once');
  }
}

/** @returns whether two port maps want the same port of an address. */
export function isSamePort(a: PortMap, b: PortMap): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  return a.hostIp === null || b.hostIp === null || a.hostIp === b.hostIp;
}

function checkPort({ hostIp, hostPort, containerPort }: PortMap): void {
  for (const port of [hostPort, containerPort]) {
    const isPort = Number.isSafeInteger(port) && port >= 1 && port <= LAST_PORT;
    if (!isPort) throw invalid('network.ports', port, `ports from 1 to ${LAST_PORT}`);
  }
  const isAddress = hostIp === null || (isIP(hostIp) !== 0 && !/^[0:.]+$/.test(hostIp) && !/%|^[0:]+1$/.test(hostIp));
  if (!isAddress)
    throw invalid('network.ports.hostIp', hostIp, 'an address of the node other than ::1, or null for all of them');
}

function isWithin(value: number, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return value >= least && value <= most;
}

function invalid(field: string, value: unknown, expected: string): BackendError {
  return new BackendError('invalid-spec', 'check network', `${field}: ${JSON.stringify(value)}: expected ${expected}`);
}
