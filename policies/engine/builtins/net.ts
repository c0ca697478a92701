import { isIPv4, isIPv6 } from 'node:net';
import { isArrayTerm, isObjectTerm, isSetTerm, setOf, type Term, whole } from '../terms/term.ts';
import { areTexts, type Builtins, ofTexts } from './builtin.ts';

const MAX_ADDRESSES = 65_536;

/** Address ranges (OPA, "Policy Reference", Net). Names are not looked up: a policy is judged by its input alone. */
export const NET: Builtins = {
  'net.cidr_is_valid': (text) => typeof text === 'string' && parseRange(text) !== undefined,
  /** @throws Error for more than 65536 addresses */
  'net.cidr_expand': ofTexts((text = '') => {
    const range = parseRange(text);
    if (!range) return undefined;
    const count = range.last - range.first + 1n;
    if (count > MAX_ADDRESSES) throw new Error(`net.cidr_expand: ${text} has more than ${MAX_ADDRESSES} addresses`);
    return setOf(Array.from({ length: Number(count) }, (_, index) => print(range.first + BigInt(index), range.bits)));
  }),
  'net.cidr_merge': (ranges) => merge(ranges),
  'net.cidr_contains_matches': (ranges, others) => containsMatches(ranges, others),
};

interface Range {
  readonly first: bigint;
  readonly last: bigint;
  /** Of an address: 32 or 128. */
  readonly bits: number;
  readonly prefix: number;
}

/** @returns the range of a CIDR notation (RFC 4632, RFC 4291), whatever its host part. */
function parseRange(text: string): Range | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const value = parseAddress(address);
  if (!value || rest.length > 0 || length === undefined || !/^\d{1,3}$/.test(length)) return undefined;
  const prefix = Number(length);
  if (prefix > value.bits) return undefined;
  return rangeOf(value.number, value.bits, prefix);
}

function rangeOf(number: bigint, bits: number, prefix: number): Range {
  const size = 1n << BigInt(bits - prefix);
  const first = number - (number % size);
  return { first, last: first + size - 1n, bits, prefix };
}

function parseAddress(text: string): { readonly number: bigint; readonly bits: number } | undefined {
  if (isIPv4(text)) return { number: fromBytes(text.split('.').map(Number), 8n), bits: 32 };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const hex = text.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = [], tail = []] = hex.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return {
    number: fromBytes(
      [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16)),
      16n,
    ),
    bits: 128,
  };
}

const fromBytes = (parts: readonly number[], width: bigint): bigint =>
  parts.reduce((sum, part) => (sum << width) + BigInt(part), 0n);

function print(number: bigint, bits: number): string {
  const width = bits === 32 ? 8n : 16n;
  const count = bits === 32 ? 4 : 8;
  const parts = Array.from(
    { length: count },
    (_, index) => (number >> (width * BigInt(count - 1 - index))) & ((1n << width) - 1n),
  );
  return bits === 32 ? parts.join('.') : shorten(parts.map((part) => part.toString(16)));
}

/** RFC 5952: the first longest run of at least two zeros is left out. */
function shorten(groups: readonly string[]): string {
  const runs = groups.map((_, start) => {
    const end = groups.findIndex((group, index) => index >= start && group !== '0');
    return (end < 0 ? groups.length : end) - start;
  });
  const longest = Math.max(...runs);
  if (longest < 2) return groups.join(':');
  const start = runs.indexOf(longest);
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + longest).join(':')}`;
}

/** Ranges that touch become one, as few as there can be. */
function merge(ranges: Term | undefined): Term | undefined {
  const texts = isArrayTerm(ranges) ? ranges : isSetTerm(ranges) ? ranges.items : undefined;
  if (!texts || !areTexts(texts)) return undefined;
  const parsed = texts.map((text) => parseRange(text) ?? classOf(text));
  if (parsed.some((range) => range === undefined)) return undefined;
  const sorted = (parsed as Range[]).sort(
    (a, b) => a.bits - b.bits || (a.first < b.first ? -1 : Number(a.first > b.first)),
  );
  const joined: { first: bigint; last: bigint; bits: number }[] = [];
  for (const { first, last, bits } of sorted) {
    const previous = joined.at(-1);
    if (!previous || previous.bits !== bits || first > previous.last + 1n) joined.push({ first, last, bits });
    else if (last > previous.last) previous.last = last;
  }
  return setOf(joined.flatMap(toPrefixes));
}

/** As OPA has it: an address without a length stands for the whole network of its class (RFC 791), and only IPv4 has some. */
function classOf(text: string): Range | undefined {
  const value = parseAddress(text);
  if (value?.bits !== 32) return undefined;
  const first = Number(value.number >> 24n);
  return rangeOf(value.number, 32, first < 128 ? 8 : first < 192 ? 16 : 24);
}

function single(text: string): Range | undefined {
  const value = parseAddress(text);
  return value && rangeOf(value.number, value.bits, value.bits);
}

function toPrefixes(block: {
  readonly first: bigint;
  readonly last: bigint;
  readonly bits: number;
}): readonly string[] {
  const prefixes: string[] = [];
  let { first } = block;
  while (first <= block.last) {
    let size = 1n;
    let prefix = block.bits;
    while (prefix > 0 && first % (size * 2n) === 0n && first + size * 2n - 1n <= block.last) {
      size *= 2n;
      prefix -= 1;
    }
    prefixes.push(`${print(first, block.bits)}/${prefix}`);
    first += size;
  }
  return prefixes;
}

/** A set of pairs of where in the one side and where in the other a range lies in another. */
function containsMatches(ranges: Term | undefined, others: Term | undefined): Term | undefined {
  const [outer, inner] = [placesOf(ranges), placesOf(others)];
  if (!outer || !inner) return undefined;
  const pairs = outer.flatMap(({ place, range }) =>
    inner.filter((other) => isWithin(other.range, range)).map((other) => [place, other.place]),
  );
  return setOf(pairs);
}

const isWithin = (inner: Range, outer: Range): boolean =>
  inner.bits === outer.bits && inner.first >= outer.first && inner.last <= outer.last;

interface Place {
  /** The text itself, its index or its key. */
  readonly place: Term;
  readonly range: Range;
}

function placesOf(term: Term | undefined): readonly Place[] | undefined {
  const places = pairsOf(term)?.map(([place, value]) => {
    const text = isArrayTerm(value) ? value[0] : value;
    const range = typeof text === 'string' ? (parseRange(text) ?? single(text)) : undefined;
    return range && { place, range };
  });
  return places?.every((place) => place !== undefined) ? places : undefined;
}

function pairsOf(term: Term | undefined): readonly (readonly [Term, Term])[] | undefined {
  if (typeof term === 'string') return [[term, term]];
  if (isArrayTerm(term)) return term.map((value, index) => [whole(BigInt(index)), value] as const);
  if (isSetTerm(term)) return term.items.map((value) => [value, value] as const);
  return isObjectTerm(term) ? term.entries : undefined;
}
