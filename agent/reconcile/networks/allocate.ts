import { formatSubnet, parseSubnet, type Subnet, subnetSize, subnetsOverlap } from '../../../manifests/index.ts';
import type { NetworkSpec } from '../../../native/index.ts';
import type { WantedNetwork } from './networking.ts';

/** What a network was given, for as long as this node may need it. */
export type Allocations = Readonly<Record<string, Omit<NetworkSpec, 'name'>>>;

/** Where ranges come from. */
export interface SubnetPools {
  readonly ipv4: readonly string[];
  /** Bits of a network's IPv4 range. */
  readonly prefix4: number;
  /** A unique local range, of which each network has a /64; null for no IPv6. */
  readonly ipv6: string | null;
}

/** What is to be kept clear of. */
export interface Occupied {
  /** Ranges of before; those of networks that are not wanted are kept for them until the ranges run out. */
  readonly allocations: Allocations;
  /** As the node has them. */
  readonly networks: readonly NetworkSpec[];
  /** Ranges the node itself routes somewhere else. */
  readonly routes: readonly string[];
}

const PREFIX6 = 64;
/** A pool that is searched for longer is too large to be one. */
const MOST_TRIED = 65_536;

/**
 * Gives each wanted network its ranges: those written, those it has, or the first free ones of the pools. What networks of
 * before had is theirs as long as there is anything else.
 * @returns the networks, without those that no range was left for.
 */
export function allocateNetworks(
  wanted: readonly WantedNetwork[],
  pools: SubnetPools,
  occupied: Occupied,
): readonly NetworkSpec[] {
  const given: NetworkSpec[] = [];
  const fixed = wanted.flatMap(({ subnet4, subnet6 }) => [subnet4, subnet6]);
  const present = new Map(occupied.networks.map((network) => [network.name, network] as const));
  for (const { name, subnet4, subnet6, isOutbound } of wanted) {
    const before = present.get(name) ?? occupied.allocations[name];
    const ofOthers = [...fixed, ...given.flatMap(rangesOf), ...othersOf(present, name)];
    const remembered = othersOf(new Map(Object.entries(occupied.allocations)), name);
    const choose = (pool: readonly string[], prefixLength: number, old: string | null | undefined): string | null => {
      const taken = parseAll(ofOthers);
      if (old != null && isClear(old, taken)) return old;
      const routed = [...taken, ...parseAll(occupied.routes)];
      return (
        firstFree(pool, prefixLength, [...routed, ...parseAll(remembered)]) ?? firstFree(pool, prefixLength, routed)
      );
    };
    const range4 = subnet4 ?? choose(pools.ipv4, pools.prefix4, before?.subnet4);
    const range6 = subnet6 ?? (pools.ipv6 === null ? null : choose([pools.ipv6], PREFIX6, before?.subnet6));
    if (range4 !== null) given.push({ name, subnet4: range4, subnet6: range6, isOutbound });
  }
  return given;
}

type Ranges = Pick<NetworkSpec, 'subnet4' | 'subnet6'>;

function rangesOf({ subnet4, subnet6 }: Ranges): readonly (string | null)[] {
  return [subnet4, subnet6];
}

function othersOf(known: ReadonlyMap<string, Ranges>, name: string): readonly (string | null)[] {
  return [...known].flatMap(([other, ranges]) => (other === name ? [] : rangesOf(ranges)));
}

function isClear(text: string, taken: readonly Subnet[]): boolean {
  const subnet = parseSubnet(text);
  return subnet !== null && !taken.some((other) => subnetsOverlap(subnet, other));
}

function firstFree(pools: readonly string[], prefixLength: number, taken: readonly Subnet[]): string | null {
  for (const pool of parseAll(pools)) {
    const size = subnetSize({ family: pool.family, prefixLength });
    const end = pool.first + subnetSize(pool);
    for (let first = pool.first, n = 0; first < end && n < MOST_TRIED; first += size, n += 1) {
      const subnet: Subnet = { family: pool.family, first, prefixLength };
      if (!taken.some((other) => subnetsOverlap(subnet, other))) return formatSubnet(subnet);
    }
  }
  return null;
}

function parseAll(texts: readonly (string | null)[]): readonly Subnet[] {
  return texts.flatMap((text) => (text === null ? [] : (parseSubnet(text) ?? [])));
}
