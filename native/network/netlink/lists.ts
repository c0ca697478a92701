import { addressText, macText } from '../addresses.ts';
import { attributesOf, FLAGS, messagesOf, type NetlinkMessage, u32 } from './message.ts';

/** What the kernel lists of a network namespace. */
export interface NetworkLists {
  readonly links: readonly ListedLink[];
  readonly addresses: readonly { readonly link: number; readonly address: string; readonly prefixLength: number }[];
  /** Addresses whose MAC address is known for good. */
  readonly neighbours: readonly { readonly link: number; readonly address: string; readonly mac: string }[];
  /** MAC addresses that a bridge knows for good to be behind a port. */
  readonly stations: readonly { readonly port: number; readonly mac: string }[];
  /** Of the main table; to everywhere else when `to` is null. */
  readonly routes: readonly {
    readonly link: number;
    readonly gateway: string;
    readonly to: string | null;
  }[];
}

export interface ListedLink {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly mac: string;
  /** Index of the bridge it is a port of. */
  readonly master: number | null;
  /** What a bridge's port is set to, by IFLA_BRPORT_*; empty for other links. */
  readonly port: ReadonlyMap<number, number>;
}

type Kind = 'links' | 'addresses' | 'neighbours' | 'stations' | 'routes';

const ANSWERS = { link: 16, address: 20, route: 24, neighbour: 28 } as const;
const QUESTIONS: Readonly<Record<Kind, { readonly type: number; readonly head: number; readonly family: number }>> = {
  links: { type: 18, head: 16, family: 0 },
  addresses: { type: 22, head: 8, family: 0 },
  neighbours: { type: 30, head: 12, family: 0 },
  stations: { type: 30, head: 12, family: 7 },
  routes: { type: 26, head: 12, family: 0 },
};
/** IFLA_* of linux/if_link.h. */
const LINK = { address: 1, name: 3, master: 10, info: 18, mask: 29 } as const;
const PORT_DATA = 5;
/** Counters are most of what a link has to tell: RTEXT_FILTER_SKIP_STATS. */
const WITHOUT_COUNTERS = 8;
const ADDRESS = { address: 1, local: 2 } as const;
const NEIGHBOUR = { address: 1, mac: 2 } as const;
const ROUTE = { destination: 1, link: 4, gateway: 5 } as const;
const UP = 0x1;
const BRIDGE_FAMILY = 7;
/** NUD_PERMANENT and NUD_NOARP, the latter of which is what static is to a bridge. */
const FOR_GOOD = { neighbour: 0x80, station: 0x40 | 0x80 } as const;
const MAIN_TABLE = 254;

/** Asks for lists, one after the other. */
export function listMessages(kinds: readonly Kind[]): readonly NetlinkMessage[] {
  return kinds.map((kind) => {
    const { type, head: bytes, family } = QUESTIONS[kind];
    const head = Buffer.alloc(bytes);
    head[0] = family;
    const attributes = kind === 'links' ? [{ type: LINK.mask, value: u32(WITHOUT_COUNTERS) }] : [];
    return { type, flags: FLAGS.ack | FLAGS.dump, head, attributes };
  });
}

/** @returns what the answer to {@link listMessages} tells. @throws RangeError when it was cut off. */
export function readLists(answer: Buffer): NetworkLists {
  const messages = messagesOf(answer);
  const of = (type: number): readonly Buffer[] => messages.flatMap((each) => (each.type === type ? [each.body] : []));
  const neighbours = of(ANSWERS.neighbour);
  return {
    links: of(ANSWERS.link).map(readLink),
    addresses: of(ANSWERS.address).map(readAddress),
    neighbours: neighbours.filter((body) => body[0] !== BRIDGE_FAMILY && lasts(body, 'neighbour')).map(readNeighbour),
    stations: neighbours
      .filter((body) => body[0] === BRIDGE_FAMILY && lasts(body, 'station'))
      .map(readNeighbour)
      .map(({ link, mac }) => ({ port: link, mac })),
    routes: of(ANSWERS.route).flatMap(readRoute),
  };
}

function readLink(body: Buffer): ListedLink {
  const found = valuesOf(body, 16);
  const info = attributesOf(found.get(LINK.info) ?? NOTHING);
  const data = info.find(({ type }) => type === PORT_DATA)?.value ?? NOTHING;
  return {
    index: body.readInt32LE(4),
    name: (found.get(LINK.name) ?? Buffer.alloc(1)).subarray(0, -1).toString(),
    isUp: (body.readUInt32LE(8) & UP) !== 0,
    mac: macText(found.get(LINK.address) ?? NOTHING),
    master: found.get(LINK.master)?.readInt32LE() ?? null,
    port: new Map(attributesOf(data).flatMap(({ type, value }) => (value.length === 1 ? [[type, value[0] ?? 0]] : []))),
  };
}

function readAddress(body: Buffer): NetworkLists['addresses'][number] {
  const found = valuesOf(body, 8);
  const own = found.get(ADDRESS.local) ?? found.get(ADDRESS.address);
  return { link: body.readInt32LE(4), address: address(own), prefixLength: body[1] ?? 0 };
}

function lasts(body: Buffer, kind: keyof typeof FOR_GOOD): boolean {
  return (body.readUInt16LE(8) & FOR_GOOD[kind]) !== 0;
}

function readNeighbour(body: Buffer): NetworkLists['neighbours'][number] {
  const found = valuesOf(body, 12);
  return {
    link: body.readInt32LE(4),
    address: address(found.get(NEIGHBOUR.address)),
    mac: macText(found.get(NEIGHBOUR.mac) ?? NOTHING),
  };
}

function readRoute(body: Buffer): NetworkLists['routes'] {
  const found = valuesOf(body, 12);
  const link = found.get(ROUTE.link)?.readInt32LE();
  if (body[4] !== MAIN_TABLE || link === undefined) return [];
  const prefixLength = body[1] ?? 0;
  const destination = found.get(ROUTE.destination);
  const to = destination === undefined ? null : `${address(destination)}/${prefixLength}`;
  return [{ link, gateway: address(found.get(ROUTE.gateway)), to }];
}

function valuesOf(body: Buffer, head: number): ReadonlyMap<number, Buffer> {
  return new Map(attributesOf(body.subarray(head)).map(({ type, value }) => [type, value]));
}

const NOTHING = Buffer.alloc(0);

function address(bytes: Buffer | undefined): string {
  return bytes === undefined ? '' : addressText(bytes);
}
