import { isIPv4 } from 'node:net';
import { addressBytes } from '../addresses.ts';
import {
  type Attribute,
  attributesOf,
  encodeAttributes,
  FLAGS,
  firstBody,
  type NetlinkMessage,
  text,
  u32,
} from './message.ts';
import type { NetworkNamespace } from './namespace.ts';
import type { NetlinkSocket } from './socket.ts';

const TYPES = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  newRoute: 24,
  newNeighbour: 28,
  deleteNeighbour: 29,
} as const;
/** IFLA_* of linux/if_link.h, IFA_* of linux/if_addr.h, RTA_* of linux/rtnetlink.h. */
const LINK = { address: 1, name: 3, otherEnd: 5, master: 10, info: 18, namespaceFd: 28 } as const;
const INFO = { kind: 1, data: 2, portKind: 4, portData: 5 } as const;
/** IFLA_BRPORT_* of linux/if_link.h. */
/** NDA_*, NUD_* and NTF_* of linux/neighbour.h. */
const NEIGHBOUR = { address: 1, mac: 2 } as const;
const PERMANENT = 0x80;
const STATIC = 0x40;
const OF_THE_BRIDGE = 0x04;
const BRIDGE_FAMILY = 7;
const VETH_PEER = 1;
const ADDRESS = { address: 1, local: 2 } as const;
const ROUTE = { destination: 1, outInterface: 4, gateway: 5 } as const;
/** The gateway is on the link though no range of it is: RTNH_F_ONLINK. */
const ON_LINK = 0x4;
const LINK_HEAD_BYTES = 16;
const UP = 0x1;
const NO_DUPLICATE_CHECK = 0x2;
const FAMILIES = { 4: 2, 6: 10 } as const;
const MAIN_TABLE = 254;
const BOOT_PROTOCOL = 3;
const UNICAST = 1;

/** What the port of a pod is set to (IFLA_BRPORT_*, linux/if_link.h); a kernel that does not know a flag passes over it. */
export const PORT_FLAGS: readonly {
  readonly name: string;
  readonly type: number;
  readonly setting: (port: { readonly isIsolated: boolean }) => 0 | 1;
}[] = [
  { name: 'hairpin', type: 4, setting: ({ isIsolated }) => (isIsolated ? 0 : 1) },
  { name: 'guard', type: 5, setting: () => 0 },
  { name: 'root_block', type: 6, setting: () => 0 },
  { name: 'fastleave', type: 7, setting: () => 0 },
  { name: 'learning', type: 8, setting: () => 0 },
  { name: 'flood', type: 9, setting: () => 0 },
  { name: 'proxy_arp', type: 10, setting: () => 0 },
  { name: 'proxy_arp_wifi', type: 12, setting: () => 0 },
  { name: 'mcast_flood', type: 27, setting: () => 0 },
  { name: 'mcast_to_unicast', type: 28, setting: () => 0 },
  { name: 'bcast_flood', type: 30, setting: () => 1 },
  { name: 'neigh_suppress', type: 32, setting: () => 0 },
  { name: 'isolated', type: 33, setting: ({ isIsolated }) => (isIsolated ? 1 : 0) },
  { name: 'locked', type: 39, setting: () => 1 },
];

/** What a link is, as far as Holdfast asks. */
export interface LinkState {
  readonly index: number;
  readonly isUp: boolean;
  /** Of a cable: the index of its other end, in the namespace that one is in. */
  readonly otherEnd: number | null;
}

/** A bridge, made unless it is there. Given its MAC address, it does not take over that of a port. */
export function bridgeMessage(name: string, mac: Buffer): NetlinkMessage {
  const info = [{ type: INFO.kind, value: text('bridge') }];
  return link(TYPES.newLink, FLAGS.create, { state: 'up' }, [
    { type: LINK.name, value: text(name) },
    { type: LINK.address, value: mac },
    { type: LINK.info, value: info },
  ]);
}

export interface VethSpec {
  readonly name: string;
  readonly bridgeIndex: number;
  /** The other end: born in this namespace under this name and MAC address. */
  readonly peer: { readonly namespace: NetworkNamespace; readonly name: string; readonly mac: Buffer };
}

/** A pair of virtual cards, one a port of a bridge here, the other in a pod's namespace. */
export function vethMessage({ name, bridgeIndex, peer }: VethSpec): NetlinkMessage {
  const peerLink = encodeAttributes([
    { type: LINK.name, value: text(peer.name) },
    { type: LINK.address, value: peer.mac },
    { type: LINK.namespaceFd, value: u32(peer.namespace.fd) },
  ]);
  const data = [{ type: VETH_PEER, value: Buffer.concat([linkHead({}), peerLink]) }];
  return link(TYPES.newLink, FLAGS.create | FLAGS.exclusive, { state: 'up' }, [
    { type: LINK.name, value: text(name) },
    { type: LINK.master, value: u32(bridgeIndex) },
    {
      type: LINK.info,
      value: [
        { type: INFO.kind, value: text('veth') },
        { type: INFO.data, value: data },
      ],
    },
  ]);
}

/** Sets a link up, and gives it a MAC address. */
export function linkUpMessage(index: number, mac: Buffer): NetlinkMessage {
  return link(TYPES.newLink, 0, { index, state: 'up' }, [{ type: LINK.address, value: mac }]);
}

/** Asks what there is of a link, by name. */
export function getLinkMessage(name: string): NetlinkMessage {
  return link(TYPES.getLink, 0, {}, [{ type: LINK.name, value: text(name) }]);
}

/** Makes a link, by name, a port of a bridge, and sets it up. */
export function setPortMessage(name: string, bridgeIndex: number): NetlinkMessage {
  return link(TYPES.newLink, 0, { state: 'up' }, [
    { type: LINK.name, value: text(name) },
    { type: LINK.master, value: u32(bridgeIndex) },
  ]);
}

/** Removes a link by name. */
export function deleteLinkMessage(name: string): NetlinkMessage {
  return link(TYPES.deleteLink, 0, {}, [{ type: LINK.name, value: text(name) }]);
}

/** Gives a link an address; one it has already is left. */
export function addressMessage(index: number, address: string, prefixLength: number): NetlinkMessage {
  const bytes = addressBytes(address);
  const head = Buffer.alloc(8);
  head.set([familyOf(address), prefixLength, NO_DUPLICATE_CHECK, 0]);
  head.writeUInt32LE(index, 4);
  return {
    type: TYPES.newAddress,
    flags: FLAGS.ack | FLAGS.create | FLAGS.replace,
    head,
    attributes: [
      { type: ADDRESS.local, value: bytes },
      { type: ADDRESS.address, value: bytes },
    ],
  };
}

/** Takes an address from a link. */
export function removeAddressMessage(index: number, address: string, prefixLength: number): NetlinkMessage {
  return { ...addressMessage(index, address, prefixLength), type: TYPES.deleteAddress, flags: FLAGS.ack };
}

/** A way through a gateway that is on the link, in place of any other: to a range, or with null to everywhere else. */
export function routeMessage(index: number, gateway: string, to: Destination | null): NetlinkMessage {
  const head = Buffer.alloc(12);
  head.set([familyOf(gateway), to?.prefixLength ?? 0, 0, 0, MAIN_TABLE, BOOT_PROTOCOL, 0, UNICAST]);
  head.writeUInt32LE(ON_LINK, 8);
  return {
    type: TYPES.newRoute,
    flags: FLAGS.ack | FLAGS.create | FLAGS.replace,
    head,
    attributes: [
      ...(to === null ? [] : [{ type: ROUTE.destination, value: addressBytes(to.address) }]),
      { type: ROUTE.gateway, value: addressBytes(gateway) },
      { type: ROUTE.outInterface, value: u32(index) },
    ],
  };
}

/** A range as a route names it. */
export interface Destination {
  readonly address: string;
  readonly prefixLength: number;
}

/**
 * Has a port of a bridge, by name, speak only as the MAC addresses the bridge was told of: it learns none. An isolated one
 * speaks with the bridge alone and with no other such port; one that is not may be sent back what came from it.
 */
export function closePortMessage(name: string, port: { readonly isIsolated: boolean }): NetlinkMessage {
  const data = PORT_FLAGS.map(({ type, setting }) => ({ type, value: Buffer.from([setting(port)]) }));
  return link(TYPES.newLink, 0, {}, [
    { type: LINK.name, value: text(name) },
    {
      type: LINK.info,
      value: [
        { type: INFO.portKind, value: text('bridge') },
        { type: INFO.portData, value: data },
      ],
    },
  ]);
}

/** Tells a bridge behind which of its ports, by index, a MAC address is. */
export function stationMessage(port: number, mac: Buffer): NetlinkMessage {
  const head = neighbourHead(BRIDGE_FAMILY, port, STATIC);
  head[10] = OF_THE_BRIDGE;
  return neighbour(head, [{ type: NEIGHBOUR.mac, value: mac }]);
}

/** Tells the node which MAC address an address of a link has, so that it asks nobody. */
export function neighbourMessage(index: number, address: string, mac: Buffer): NetlinkMessage {
  return neighbour(neighbourHead(familyOf(address), index, PERMANENT), [
    { type: NEIGHBOUR.address, value: addressBytes(address) },
    { type: NEIGHBOUR.mac, value: mac },
  ]);
}

/** Has the node forget an address of a link, known or not: what is told first is known. */
export function forgetMessages(index: number, address: string, mac: Buffer): readonly NetlinkMessage[] {
  const told = neighbourMessage(index, address, mac);
  return [told, { ...told, type: TYPES.deleteNeighbour, flags: FLAGS.ack }];
}

function neighbour(head: Buffer, attributes: readonly Attribute[]): NetlinkMessage {
  return { type: TYPES.newNeighbour, flags: FLAGS.ack | FLAGS.create | FLAGS.replace, head, attributes };
}

/** `struct ndmsg`. */
function neighbourHead(family: number, index: number, state: number): Buffer {
  const head = Buffer.alloc(12);
  head[0] = family;
  head.writeInt32LE(index, 4);
  head.writeUInt16LE(state, 8);
  return head;
}

/** @returns a link's state. @throws BackendError with errno `ENODEV` when there is none of that name. */
export async function readLink(socket: NetlinkSocket, name: string): Promise<LinkState> {
  return linkIn(await socket.talk(`find link ${name}`, [getLinkMessage(name)]));
}

/** @returns what the answer to {@link getLinkMessage} tells. @throws RangeError when it tells nothing. */
export function linkIn(answer: Buffer): LinkState {
  const body = firstBody(answer);
  const otherEnd = attributesOf(body.subarray(LINK_HEAD_BYTES)).find(({ type }) => type === LINK.otherEnd);
  return {
    index: body.readInt32LE(4),
    isUp: (body.readUInt32LE(8) & UP) !== 0,
    otherEnd: otherEnd?.value.readInt32LE() ?? null,
  };
}

interface Head {
  readonly index?: number;
  readonly state?: 'up';
}

function link(type: number, flags: number, head: Head, attributes: readonly Attribute[]): NetlinkMessage {
  return { type, flags: flags | FLAGS.ack, head: linkHead(head), attributes };
}

/** `struct ifinfomsg`. */
function linkHead({ index = 0, state }: Head): Buffer {
  const head = Buffer.alloc(LINK_HEAD_BYTES);
  head.writeInt32LE(index, 4);
  if (state !== 'up') return head;
  head.writeUInt32LE(UP, 8);
  head.writeUInt32LE(UP, 12);
  return head;
}

function familyOf(address: string): number {
  return FAMILIES[isIPv4(address) ? 4 : 6];
}
