import type { NetworkDifference } from '../backend.ts';
import { addressAt, isLinkLocal, macText, type Subnet } from './addresses.ts';
import { PORT_FLAGS } from './netlink/link.ts';
import type { ListedLink, NetworkLists } from './netlink/lists.ts';
import { GATEWAY } from './place.ts';

/** A bridge as it is made. */
export interface ExpectedBridge {
  readonly name: string;
  readonly mac: Buffer;
  readonly subnets: readonly Subnet[];
}

/** @returns in what a bridge is not as it is made. What the kernel adds by itself, its link-local address, is no matter. */
export function bridgeDifferences(lists: NetworkLists, { name, mac, subnets }: ExpectedBridge): NetworkDifferences {
  const bridge = lists.links.find((link) => link.name === name);
  if (bridge === undefined) return [missing('bridge')];
  const expected = subnets.map((subnet) => `${addressAt(subnet, GATEWAY)}/${subnet.prefixLength}`);
  return [
    ...unless('bridge.state', 'up', bridge.isUp ? 'up' : 'down'),
    ...unless('bridge.mac', macText(mac), bridge.mac),
    ...unless('bridge.addresses', [...expected].sort().join(' '), addressesOf(lists, bridge)),
  ];
}

/** The node's end of a card as it is made. */
export interface ExpectedPort {
  /** Of the card in the pod. */
  readonly card: string;
  readonly name: string;
  readonly bridge: string;
  readonly mac: Buffer;
  readonly addresses: readonly string[];
  readonly isIsolated: boolean;
}

/** @returns in what the node's end of a card is not as it is made. Of a bridge that is gone or down nothing more is said. */
export function portDifferences(lists: NetworkLists, expected: ExpectedPort): NetworkDifferences {
  const field = `${expected.card}.port`;
  const port = lists.links.find(({ name }) => name === expected.name);
  if (port === undefined) return [missing(field)];
  const bridge = lists.links.find(({ name }) => name === expected.bridge);
  if (bridge?.isUp !== true) return [];
  if (port.master !== bridge.index) return unless(`${field}.bridge`, bridge.name, nameOf(lists, port.master));
  const mac = macText(expected.mac);
  const isStation = lists.stations.some((each) => each.port === port.index && each.mac === mac);
  return [
    ...unless(`${field}.state`, 'up', port.isUp ? 'up' : 'down'),
    ...PORT_FLAGS.flatMap(({ name, type, setting }) => {
      const found = port.port.get(type);
      // A kernel that does not know the flag does not have what it is for.
      return found === undefined ? [] : unless(`${field}.${name}`, String(setting(expected)), String(found));
    }),
    ...unless(`${field}.station`, mac, isStation ? mac : 'missing'),
    ...expected.addresses.flatMap((address) =>
      unless(`${field}.neighbour[${address}]`, mac, neighbourOf(lists, bridge, address)),
    ),
  ];
}

/** A card in its pod as it is made. */
export interface ExpectedCard {
  readonly name: string;
  readonly mac: Buffer;
  /** MAC address of the network's bridge. */
  readonly gatewayMac: Buffer;
  readonly places: readonly { readonly subnet: Subnet; readonly address: string }[];
  /** Whether it has the way to everywhere else. */
  readonly isFirst: boolean;
}

/** @returns in what a card is not as it is made. What a pod that may do so adds to it is its own affair. */
export function cardDifferences(lists: NetworkLists, expected: ExpectedCard): NetworkDifferences {
  const { name, mac, gatewayMac, places, isFirst } = expected;
  const card = lists.links.find((link) => link.name === name);
  if (card === undefined) return [missing(name)];
  return [
    ...unless(`${name}.state`, 'up', card.isUp ? 'up' : 'down'),
    ...unless(`${name}.mac`, macText(mac), card.mac),
    ...places.flatMap(({ subnet, address }) => {
      const gateway = addressAt(subnet, GATEWAY);
      const range = `${addressAt(subnet, 0)}/${subnet.prefixLength}`;
      const hasAddress = lists.addresses.some((each) => each.link === card.index && each.address === address);
      const hasRoute = (to: string | null): boolean =>
        lists.routes.some((route) => route.link === card.index && route.gateway === gateway && route.to === to);
      return [
        ...unless(`${name}.address[${address}]`, 'there', hasAddress ? 'there' : 'missing'),
        ...unless(`${name}.neighbour[${gateway}]`, macText(gatewayMac), neighbourOf(lists, card, gateway)),
        ...unless(`${name}.route[${range}]`, gateway, hasRoute(range) ? gateway : 'missing'),
        ...(isFirst ? unless(`${name}.route[IPv${subnet.family}]`, gateway, hasRoute(null) ? gateway : 'missing') : []),
      ];
    }),
  ];
}

type NetworkDifferences = readonly NetworkDifference[];

function missing(field: string): NetworkDifference {
  return { field, expected: 'there', found: 'missing' };
}

function unless(field: string, expected: string, found: string): NetworkDifferences {
  return expected === found ? [] : [{ field, expected, found }];
}

function nameOf({ links }: NetworkLists, index: number | null): string {
  return links.find((link) => link.index === index)?.name ?? 'none';
}

function neighbourOf({ neighbours }: NetworkLists, { index }: ListedLink, address: string): string {
  return neighbours.find((each) => each.link === index && each.address === address)?.mac ?? 'missing';
}

function addressesOf({ addresses }: NetworkLists, { index }: ListedLink): string {
  return addresses
    .filter(({ link, address }) => link === index && !isLinkLocal(address))
    .map(({ address, prefixLength }) => `${address}/${prefixLength}`)
    .sort()
    .join(' ');
}
