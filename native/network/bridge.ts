import type { BackendContext } from '../context.ts';
import type { NetworkRecord, SandboxRecord } from '../records/records.ts';
import { addressAt, addressBytes, isLinkLocal, type Subnet } from './addresses.ts';
import { subnetsOf } from './check-network.ts';
import { ignoring } from './ignoring.ts';
import {
  addressMessage,
  bridgeMessage,
  closePortMessage,
  deleteLinkMessage,
  getLinkMessage,
  linkIn,
  neighbourMessage,
  readLink,
  removeAddressMessage,
  setPortMessage,
  stationMessage,
} from './netlink/link.ts';
import { listMessages, type NetworkLists, readLists } from './netlink/lists.ts';
import type { NetlinkMessage } from './netlink/message.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import { type NetlinkSocket, visitNamespace } from './netlink/socket.ts';
import { readSysctl, setSysctl } from './netlink/sysctl.ts';
import { bridgeMac, bridgeName, podMac, portName } from './node-network.ts';
import { GATEWAY } from './place.ts';

interface Ground {
  readonly context: Pick<BackendContext, 'network'>;
  readonly namespace: NetworkNamespace;
  readonly route: NetlinkSocket;
}

/** Makes a network's bridge, or what is missing of it, and takes its members' cards back. */
export async function makeBridge(
  ground: Ground,
  network: NetworkRecord,
  members: readonly SandboxRecord[],
): Promise<void> {
  const { context, namespace, route } = ground;
  const name = bridgeName(context.network, network.name);
  const stage = `make bridge of network ${network.name}`;
  await route.talk(stage, [bridgeMessage(name, bridgeMac(context.network, network.name))]);
  const { index } = await readLink(route, name);
  const { subnet4, subnet6 } = subnetsOf(network);
  for (const [setting, value] of Object.entries(bridgeSettings(name, { hasIpv6: subnet6 !== null })))
    setSysctl(namespace, setting, value);
  await setAddresses(ground, { stage, index, subnets: subnet6 ? [subnet4, subnet6] : [subnet4] });
  for (const { holder, network: on } of members) {
    const place = typeof on === 'object' && on.networks.find((each) => each.name === network.name);
    if (holder === null || !place) continue;
    const port = portName(context.network, holder, network.name);
    await ignoring('ENODEV', reclaimPort(context, route, { stage, port, bridgeIndex: index, place }));
  }
}

/** @returns what the kernel is to have set for a bridge, below `/proc/sys/net`. */
export function bridgeSettings(
  name: string,
  { hasIpv6 }: { readonly hasIpv6: boolean },
): Readonly<Record<string, string>> {
  return {
    // For the node's own connections to published ports; the rules let no pod use it.
    [`ipv4/conf/${name}/route_localnet`]: '1',
    [`ipv6/conf/${name}/accept_ra`]: '0',
    // Its addresses are ours alone; while one is being checked for a double, pods get no answer over IPv6.
    [`ipv6/conf/${name}/accept_dad`]: '0',
    [`ipv6/conf/${name}/disable_ipv6`]: hasIpv6 ? '0' : '1',
  };
}

interface BridgeAddresses {
  readonly stage: string;
  readonly index: number;
  readonly subnets: readonly Subnet[];
}

/** A bridge is ours, and has no address but ours and the one the kernel gives each link. */
async function setAddresses({ namespace, route }: Ground, { stage, index, subnets }: BridgeAddresses): Promise<void> {
  const wanted = subnets.map((subnet) => ({
    address: addressAt(subnet, GATEWAY),
    prefixLength: subnet.prefixLength,
  }));
  await route.talk(
    stage,
    wanted.map(({ address, prefixLength }) => addressMessage(index, address, prefixLength)),
  );
  const isWanted = (found: NetworkLists['addresses'][number]): boolean =>
    wanted.some(({ address, prefixLength }) => address === found.address && prefixLength === found.prefixLength);
  const { addresses } = readLists(await visitNamespace(namespace, stage, listMessages(['addresses'])));
  const others = addresses.filter((each) => each.link === index && !isLinkLocal(each.address) && !isWanted(each));
  if (others.length === 0) return;
  await route.talk(
    stage,
    others.map(({ address, prefixLength }) => removeAddressMessage(index, address, prefixLength)),
  );
}

interface PortPlace {
  readonly stage: string;
  readonly port: string;
  readonly bridgeIndex: number;
  readonly place: { readonly ipv4: string; readonly ipv6: string | null };
}

/** Makes the node's end of a card, by name, a port of its bridge again, as it was made. */
export async function reclaimPort(
  context: Pick<BackendContext, 'network'>,
  route: NetlinkSocket,
  place: PortPlace,
): Promise<void> {
  await route.talk(place.stage, [setPortMessage(place.port, place.bridgeIndex)]);
  await closePort(context, route, place);
}

/** Has the port of a pod, by name, carry nothing but what is from and to the pod, and pass through our rules. */
async function closePort(
  { network: { seal } }: Pick<BackendContext, 'network'>,
  route: NetlinkSocket,
  { stage, port, bridgeIndex, place }: PortPlace,
): Promise<void> {
  const { index } = linkIn(await route.talk(stage, [closePortMessage(port, seal), getLinkMessage(port)]));
  await route.talk(stage, stationMessages(index, bridgeIndex, place));
}

/** Tells a bridge who is behind a port, and the node where the pod's addresses are, so that nobody has to be asked. */
export function stationMessages(port: number, bridge: number, place: PortPlace['place']): readonly NetlinkMessage[] {
  const mac = podMac(addressBytes(place.ipv4));
  return [stationMessage(port, mac), ...addressesAt(place).map((address) => neighbourMessage(bridge, address, mac))];
}

/** @returns the addresses of a place, of each family one. */
export function addressesAt({ ipv4, ipv6 }: PortPlace['place']): readonly string[] {
  return ipv6 === null ? [ipv4] : [ipv4, ipv6];
}

/**
 * Pods of one network must meet our rules on the way to each other. Where br_netfilter has bridges filter as routers do,
 * they do so on the bridge itself; elsewhere their ports are isolated, so that there is no way but through the node. Not
 * both: an isolated port would drop what a filtering bridge has just translated to a neighbour's address.
 * @returns whether ports are to be isolated.
 */
export function mustIsolate(namespace: NetworkNamespace): boolean {
  return ['iptables', 'ip6tables'].some((which) => readSysctl(namespace, `bridge/bridge-nf-call-${which}`) !== '1');
}

/** Removes a network's bridge, there or not. */
export async function removeBridge({ context, route }: Omit<Ground, 'namespace'>, network: string): Promise<void> {
  const name = bridgeName(context.network, network);
  await ignoring('ENODEV', route.talk(`remove bridge of network ${network}`, [deleteLinkMessage(name)]));
}
