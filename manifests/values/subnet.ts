/** A range of addresses of one family. */
export interface Subnet {
  readonly family: 4 | 6;
  /** The first address, as a number. */
  readonly first: bigint;
  readonly prefixLength: number;
}

const BITS = { 4: 32, 6: 128 } as const;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** @returns the range a text such as `10.1.0.0/24` or `fd42::/64` names, or null; bits beyond the prefix must be 0. */
export function parseSubnet(text: string): Subnet | null {
  const [, address = '', length = ''] = /^([0-9a-f.:]+)\/(0|[1-9]\d{0,2})$/i.exec(text) ?? [];
  const parsed = parseAddress(address);
  const prefixLength = Number(length);
  if (parsed === null || length === '' || prefixLength > BITS[parsed.family]) return null;
  const subnet = { family: parsed.family, first: parsed.value, prefixLength };
  return subnet.first % subnetSize(subnet) === 0n ? subnet : null;
}

/** @returns how many addresses a range has. */
export function subnetSize({ family, prefixLength }: Pick<Subnet, 'family' | 'prefixLength'>): bigint {
  return 1n << BigInt(BITS[family] - prefixLength);
}

/** @returns whether two ranges have an address in common. */
export function subnetsOverlap(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && a.first < b.first + subnetSize(b) && b.first < a.first + subnetSize(a);
}

/** @returns the range as text, in the form everybody writes it (RFC 5952 for IPv6). */
export function formatSubnet({ family, first, prefixLength }: Subnet): string {
  return `${formatAddress(family, first)}/${prefixLength}`;
}

/** @returns an address as a number with its family, or null for what is none. Without zones, and no leading zeros. */
export function parseAddress(text: string): { readonly family: 4 | 6; readonly value: bigint } | null {
  const value4 = parse4(text);
  if (value4 !== null) return { family: 4, value: value4 };
  const value6 = parse6(text);
  return value6 === null ? null : { family: 6, value: value6 };
}

/** @returns an address as text. */
export function formatAddress(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  const zeros = longestZeros(groups);
  if (zeros === null) return groups.join(':');
  return `${groups.slice(0, zeros.start).join(':')}::${groups.slice(zeros.start + zeros.length).join(':')}`;
}

function parse4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parse6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => GROUP.test(group))) return null;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } | null {
  let best: { readonly start: number; readonly length: number } | null = null;
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > 1 && length > (best?.length ?? 1)) best = { start, length };
  }
  return best;
}
