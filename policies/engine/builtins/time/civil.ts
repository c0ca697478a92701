/** A moment as a calendar and a clock in one place show it. */
export interface Civil {
  readonly year: number;
  /** From 1 on. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** Seconds east of UTC. */
  readonly offset: number;
  /** Such as `CET`; the offset where a zone has no name. */
  readonly zone: string;
}

export const NS_PER_SECOND = 1_000_000_000n;
const MS_PER_SECOND = 1_000;
const INT64 = 2n ** 63n;

/** @returns nanoseconds since 1970 where Go's int64 holds them; undefined otherwise. */
export function inRange(ns: bigint): bigint | undefined {
  return ns >= -INT64 && ns < INT64 ? ns : undefined;
}

/**
 * @param ns nanoseconds since 1970
 * @param zone of the IANA database, `UTC` or empty for UTC, `Local` for UTC too: a policy depends on no machine
 * @returns undefined for an unknown zone
 */
export function civilOf(ns: bigint, zone: string): Civil | undefined {
  const second = floorDivide(ns, NS_PER_SECOND);
  const place = zone === '' || zone === 'Local' ? 'UTC' : zone;
  const at = new Date(Number(second) * MS_PER_SECOND);
  const offset = offsetAt(at, place);
  if (offset === undefined) return undefined;
  const local = new Date(at.getTime() + offset * MS_PER_SECOND);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanosecond: Number(ns - second * NS_PER_SECOND),
    offset,
    zone: place === 'UTC' ? 'UTC' : nameAt(at, place, offset),
  };
}

/** @returns nanoseconds since 1970 of what a calendar shows in UTC, less an offset in seconds; days and months may overflow. */
export function nsOf(civil: Omit<Civil, 'zone'>): bigint {
  const date = new Date(0);
  date.setUTCFullYear(civil.year, civil.month - 1, civil.day);
  date.setUTCHours(civil.hour, civil.minute, civil.second);
  const seconds = BigInt(date.getTime()) / BigInt(MS_PER_SECOND) - BigInt(civil.offset);
  return seconds * NS_PER_SECOND + BigInt(civil.nanosecond);
}

/** Seconds east of UTC in a place at a moment; undefined for an unknown place. */
export function offsetAt(at: Date, zone: string): number | undefined {
  if (zone === 'UTC') return 0;
  const text = partOf(at, zone, 'longOffset');
  const found = text === undefined ? null : /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (!found) return undefined;
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = found;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === '-' ? -size : size;
}

function nameAt(at: Date, zone: string, offset: number): string {
  const name = partOf(at, zone, 'short') ?? '';
  if (/^[A-Z]{3,5}$/.test(name)) return name;
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 3600), (Math.abs(offset) % 3600) / 60];
  const digits = [hours, ...(minutes === 0 ? [] : [minutes])].map((part) => String(part).padStart(2, '0')).join('');
  return `${offset < 0 ? '-' : '+'}${digits}`;
}

function partOf(at: Date, zone: string, timeZoneName: 'longOffset' | 'short'): string | undefined {
  try {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName }).formatToParts(at);
    return parts.find(({ type }) => type === 'timeZoneName')?.value;
  } catch {
    return undefined;
  }
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
