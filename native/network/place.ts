import { isIPv6 } from 'node:net';
import type { BridgedNetwork, NetworkAddress, PortMap } from '../backend.ts';
import { BackendError } from '../errors.ts';
import type { BridgedRecord, NetworkRecord, SandboxRecord, TrafficRecord } from '../records/records.ts';
import { addressAt, indexIn, sizeOf } from './addresses.ts';
import { isSamePort, subnetsOf } from './check-network.ts';
import type { PortRule } from './ruleset.ts';

/** The network's own end is its first address after the one that names it. */
export const GATEWAY = 1;

interface Ground {
  readonly networks: readonly NetworkRecord[];
  /** Every other sandbox there is. */
  readonly others: readonly Pick<SandboxRecord, 'id' | 'network'>[];
  /** Addresses that services have. */
  readonly traffic: Pick<TrafficRecord, 'addresses'>;
}

/**
 * Gives a sandbox the lowest free address of each of its networks and sees that its ports are free.
 * @throws BackendError `not-found` for an unknown network, `in-use` for a taken port, `no-resources` when all addresses are.
 */
export function placeOnNetworks(spec: BridgedNetwork, ground: Ground): BridgedRecord {
  const { networks, ports, guards = [], hosts = [] } = spec;
  const others = ground.others.flatMap(({ id, network }) => (typeof network === 'object' ? [{ id, ...network }] : []));
  const places = networks.map(({ name, aliases }) => {
    const found = ground.networks.find((network) => network.name === name);
    if (!found) throw new BackendError('not-found', 'find network', `there is no network ${name}: create it first`);
    const taken = others.flatMap((other) => other.networks.flatMap((on) => (on.name === name ? [on.ipv4] : [])));
    const services = Object.values(ground.traffic.addresses[name] ?? {}).map(({ ipv4 }) => ipv4);
    return { name, aliases: [...aliases], ...freeAddress(found, [...taken, ...services]) };
  });
  for (const port of ports) {
    const owner = others.find((other) => other.ports.some((theirs) => isSamePort(theirs, port)));
    const which = `${port.protocol} port ${port.hostPort}`;
    if (owner) throw new BackendError('in-use', 'publish port', `${which} of the node is taken by sandbox ${owner.id}`);
    if (port.hostIp !== null && isIPv6(port.hostIp) && places[0]?.ipv6 === null)
      throw new BackendError(
        'invalid-spec',
        'publish port',
        `${which}: ${port.hostIp} needs a first network with IPv6`,
      );
  }
  return {
    type: 'bridge',
    networks: places,
    ports: ports.map((port) => ({ ...port })),
    ...(guards.length === 0 ? {} : { guards: [...guards] }),
    ...(hosts.length === 0 ? {} : { hosts: hosts.map(({ address, names }) => ({ address, names: [...names] })) }),
  };
}

/** @returns where a sandbox is on its networks. */
export function addressesOf({ network }: Pick<SandboxRecord, 'network'>): readonly NetworkAddress[] {
  if (typeof network !== 'object') return [];
  return network.networks.map(({ name, ipv4, ipv6 }) => ({ network: name, ipv4, ipv6 }));
}

/** @returns the ports of the node that lead to a sandbox. */
export function portsOf({ network }: Pick<SandboxRecord, 'network'>): readonly PortMap[] {
  return typeof network === 'object' ? network.ports : [];
}

/** @returns a sandbox's published ports as rules: its first network's addresses take the connections. */
export function portRulesOf({ networks: [first], ports }: BridgedRecord): readonly PortRule[] {
  if (!first) return [];
  return ports.flatMap(({ protocol, hostIp, hostPort, containerPort }) => {
    const targets = hostIp === null ? [first.ipv4, first.ipv6] : [isIPv6(hostIp) ? first.ipv6 : first.ipv4];
    return targets.flatMap((podIp) =>
      podIp === null ? [] : [{ protocol, hostIp, hostPort, podIp, podPort: containerPort }],
    );
  });
}

/** Both families share the place in their range, so one search serves both. */
function freeAddress(
  network: NetworkRecord,
  taken: readonly string[],
): { readonly ipv4: string; readonly ipv6: string | null } {
  const { subnet4, subnet6 } = subnetsOf(network);
  const used = new Set(taken.map((address) => indexIn(subnet4, address)));
  const broadcast = Number(sizeOf(subnet4)) - 1;
  for (let n = GATEWAY + 1; n < broadcast; n += 1)
    if (!used.has(n)) return { ipv4: addressAt(subnet4, n), ipv6: subnet6 && addressAt(subnet6, n) };
  throw new BackendError('no-resources', 'allocate address', `every address of ${network.subnet4} is in use`);
}
