import { existsSync } from 'node:fs';
import type { BackendContext } from '../context.ts';
import type { ProcessId } from '../process/process-id.ts';
import type { BridgedRecord, NetworkRecord } from '../records/records.ts';
import { addressAt, addressBytes, type Subnet } from './addresses.ts';
import { stationMessages } from './bridge.ts';
import { subnetsOf } from './check-network.ts';
import {
  addressMessage,
  closePortMessage,
  type Destination,
  getLinkMessage,
  linkIn,
  linkUpMessage,
  neighbourMessage,
  readLink,
  routeMessage,
  vethMessage,
} from './netlink/link.ts';
import type { NetlinkMessage } from './netlink/message.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import { visitNamespace, withNetlink } from './netlink/socket.ts';
import { setSysctl } from './netlink/sysctl.ts';
import { bridgeMac, bridgeName, podMac, portName } from './node-network.ts';
import { GATEWAY } from './place.ts';

/** Where a pod is on one network. */
export type Place = BridgedRecord['networks'][number];

/** A card of a pod: which of its networks it is for, and where both its ends are. */
export interface Plug {
  readonly context: Pick<BackendContext, 'network'>;
  readonly holder: ProcessId;
  readonly node: NetworkNamespace;
  readonly pod: NetworkNamespace;
  readonly network: NetworkRecord;
  readonly place: Place;
  /** Of the network among the pod's: the first has the way to everywhere else. */
  readonly index: number;
}

/** @returns the name of a pod's card. */
export function cardName(index: number): string {
  return `eth${index}`;
}

/** One message makes both ends of the cable where they belong; a few more set them up, both at the same time. */
export async function plugIn(plug: Plug): Promise<void> {
  const { context, holder, node, pod, network, place, index } = plug;
  const stage = `join network ${network.name}`;
  const name = portName(context.network, holder, network.name);
  const peer = { namespace: pod, name: cardName(index), mac: podMac(addressBytes(place.ipv4)) };
  await withNetlink(node, 'route', async (route) => {
    const bridge = await readLink(route, bridgeName(context.network, network.name));
    const made = await route.talk(stage, [
      vethMessage({ name, bridgeIndex: bridge.index, peer }),
      closePortMessage(name, context.network.seal),
      getLinkMessage(name),
    ]);
    const { index: port, otherEnd } = linkIn(made);
    const ends = [route.talk(stage, stationMessages(port, bridge.index, place)), setUpCard(plug, otherEnd ?? 0)];
    // Both are over before the socket is closed, whatever became of them.
    for (const end of await Promise.allSettled(ends)) if (end.status === 'rejected') throw end.reason;
  });
}

/** Gives a card, by its index in the pod, all that makes it one of its network's; what it has of that already is left. */
export async function setUpCard({ context, pod, network, place, index }: Plug, card: number): Promise<void> {
  const bridge = bridgeMac(context.network, network.name);
  await visitNamespace(pod, `join network ${network.name}`, [
    linkUpMessage(card, podMac(addressBytes(place.ipv4))),
    ...waysOf(network, place).flatMap((way) => wayOn(card, { ...way, bridge, index })),
  ]);
}

/**
 * Settings of the kernel that cards of a pod are born with: they believe no router but ours, and of their addresses, which
 * are nobody else's, they ask nobody.
 */
export function cardSettings(network: BridgedRecord): readonly (readonly [path: string, value: string])[] {
  const born = (name: string, value: string) => [`net/ipv6/conf/default/${name}`, value] as const;
  if (!existsSync('/proc/sys/net/ipv6')) return [];
  if (network.networks.every(({ ipv6 }) => ipv6 === null)) return [born('disable_ipv6', '1')];
  return [born('accept_ra', '0'), born('accept_dad', '0')];
}

/** The same for one card by itself, whatever it was born with. */
export function settleCard({ pod, place, index }: Plug): void {
  const settings = place.ipv6 === null ? { disable_ipv6: '1' } : { disable_ipv6: '0', accept_ra: '0', accept_dad: '0' };
  for (const [name, value] of Object.entries(settings)) setSysctl(pod, `ipv6/conf/${cardName(index)}/${name}`, value);
}

/** @returns a place's addresses with the ranges they are of. */
export function waysOf(
  network: NetworkRecord,
  { ipv4, ipv6 }: Place,
): readonly { readonly subnet: Subnet; readonly address: string }[] {
  const { subnet4, subnet6 } = subnetsOf(network);
  return [
    { subnet: subnet4, address: ipv4 },
    ...(subnet6 && ipv6 !== null ? [{ subnet: subnet6, address: ipv6 }] : []),
  ];
}

interface Way {
  readonly subnet: Subnet;
  readonly address: string;
  /** MAC address of the network's bridge: no neighbour can take its place. */
  readonly bridge: Buffer;
  readonly index: number;
}

/** An address, and the way to its network: through the node, to neighbours too, where every packet meets our rules. */
function wayOn(link: number, { subnet, address, bridge, index }: Way): readonly NetlinkMessage[] {
  const destination: Destination = { address: addressAt(subnet, 0), prefixLength: subnet.prefixLength };
  const gateway = addressAt(subnet, GATEWAY);
  return [
    addressMessage(link, address, subnet.family === 4 ? 32 : 128),
    neighbourMessage(link, gateway, bridge),
    routeMessage(link, gateway, destination),
    ...(index === 0 ? [routeMessage(link, gateway, null)] : []),
  ];
}
