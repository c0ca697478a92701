import { type Civil, nsOf } from './civil.ts';

/** Go's names of layouts (package time), which OPA takes for the layouts themselves. */
const NAMED: Readonly<Record<string, string>> = {
  ANSIC: 'Mon Jan _2 15:04:05 2006',
  UnixDate: 'Mon Jan _2 15:04:05 MST 2006',
  RubyDate: 'Mon Jan 02 15:04:05 -0700 2006',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  RFC3339: '2006-01-02T15:04:05Z07:00',
  RFC3339Nano: '2006-01-02T15:04:05.999999999Z07:00',
};
export const RFC3339 = '2006-01-02T15:04:05Z07:00';
export const RFC3339_NANO = '2006-01-02T15:04:05.999999999Z07:00';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** The pieces of Go's reference time, longest first where one begins with another. */
const PIECE =
  /January|Jan|Monday|Mon|MST|2006|__2|_2|002|01|02|03|04|05|06|15|PM|pm|-07:00:00|-07:00|-0700|-07|Z07:00|Z0700|Z07|[.,](?:0+|9+)(?!\d)|[1-5]/g;

/** @returns the moment in Go's layout: its reference time, written as the result shall be. */
export function formatTime(civil: Civil, layout: string): string {
  return (NAMED[layout] ?? layout).replace(PIECE, (piece) => formatPiece(civil, piece));
}

function formatPiece(civil: Civil, piece: string): string {
  const field = FIELDS[piece];
  if (field) return field.write(civil);
  if (/^[.,]/.test(piece)) return formatFraction(civil.nanosecond, piece);
  return formatOffset(civil.offset, piece);
}

function formatFraction(nanosecond: number, piece: string): string {
  const digits = String(nanosecond)
    .padStart(9, '0')
    .slice(0, piece.length - 1);
  if (piece.includes('0')) return piece[0] + digits;
  const short = digits.replace(/0+$/, '');
  return short === '' ? '' : piece[0] + short;
}

function formatOffset(offset: number, piece: string): string {
  if (piece.startsWith('Z') && offset === 0) return 'Z';
  const size = Math.abs(offset);
  const parts = [size / 3600, (size % 3600) / 60, size % 60].map((part) => pad2(Math.trunc(part)));
  const count = piece.replace(/[^0-9]/g, '').length / 2;
  return (offset < 0 ? '-' : '+') + parts.slice(0, count).join(piece.includes(':') ? ':' : '');
}

const pad2 = (value: number): string => String(value).padStart(2, '0');
const twelve = ({ hour }: Civil): number => (hour % 12 === 0 ? 12 : hour % 12);
const weekdayOf = (civil: Civil): string =>
  DAYS[new Date(Date.UTC(civil.year, civil.month - 1, civil.day)).getUTCDay()] ?? '';
const monthOf = ({ month }: Civil): string => MONTHS[month - 1] ?? '';
const dayOfYear = ({ year, month, day }: Civil): number =>
  Math.round((Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1;

/** What a piece writes, the pattern it reads, and what that changes. */
interface Field {
  readonly write: (civil: Civil) => string;
  readonly pattern: string;
  readonly read: (text: string) => Partial<Reading>;
}

type Reading = Omit<Civil, 'zone'> & { readonly isAfternoon: boolean | null };

const number =
  (key: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second') =>
  (text: string): Partial<Reading> => ({
    [key]: Number(text),
  });
const name = (list: readonly string[], length?: number) => list.map((one) => one.slice(0, length)).join('|');

const FIELDS: Readonly<Record<string, Field>> = {
  January: { write: monthOf, pattern: name(MONTHS), read: (text) => ({ month: indexIn(MONTHS, text) + 1 }) },
  Jan: {
    write: (c) => monthOf(c).slice(0, 3),
    pattern: name(MONTHS, 3),
    read: (t) => ({ month: indexIn(MONTHS, t) + 1 }),
  },
  '01': { write: (c) => pad2(c.month), pattern: '\\d\\d', read: number('month') },
  '1': { write: (c) => String(c.month), pattern: '\\d{1,2}', read: number('month') },
  Monday: { write: weekdayOf, pattern: name(DAYS), read: () => ({}) },
  Mon: { write: (c) => weekdayOf(c).slice(0, 3), pattern: name(DAYS, 3), read: () => ({}) },
  '02': { write: (c) => pad2(c.day), pattern: '\\d\\d', read: number('day') },
  _2: { write: (c) => String(c.day).padStart(2), pattern: ' ?\\d{1,2}', read: number('day') },
  '2': { write: (c) => String(c.day), pattern: '\\d{1,2}', read: number('day') },
  '002': {
    write: (c) => String(dayOfYear(c)).padStart(3, '0'),
    pattern: '\\d{3}',
    read: (t) => ({ month: 1, day: Number(t) }),
  },
  __2: {
    write: (c) => String(dayOfYear(c)).padStart(3),
    pattern: ' {0,2}\\d{1,3}',
    read: (t) => ({ month: 1, day: Number(t) }),
  },
  '15': { write: (c) => pad2(c.hour), pattern: '\\d{1,2}', read: number('hour') },
  '03': { write: (c) => pad2(twelve(c)), pattern: '\\d\\d', read: number('hour') },
  '3': { write: (c) => String(twelve(c)), pattern: '\\d{1,2}', read: number('hour') },
  PM: { write: (c) => (c.hour < 12 ? 'AM' : 'PM'), pattern: 'AM|PM', read: (t) => ({ isAfternoon: t === 'PM' }) },
  pm: { write: (c) => (c.hour < 12 ? 'am' : 'pm'), pattern: 'am|pm', read: (t) => ({ isAfternoon: t === 'pm' }) },
  '04': { write: (c) => pad2(c.minute), pattern: '\\d\\d', read: number('minute') },
  '4': { write: (c) => String(c.minute), pattern: '\\d{1,2}', read: number('minute') },
  '05': { write: (c) => pad2(c.second), pattern: '\\d\\d', read: number('second') },
  '5': { write: (c) => String(c.second), pattern: '\\d{1,2}', read: number('second') },
  '2006': { write: (c) => String(c.year).padStart(4, '0'), pattern: '\\d{4}', read: number('year') },
  '06': {
    write: (c) => pad2(c.year % 100),
    pattern: '\\d\\d',
    read: (t) => ({ year: Number(t) + (Number(t) >= 69 ? 1900 : 2000) }),
  },
  // Read, and not believed: as to Go, an abbreviation it does not know is a place at no distance from UTC.
  MST: { write: (c) => c.zone, pattern: '[A-Z]{3,5}|[+-]\\d\\d', read: () => ({}) },
};

const indexIn = (list: readonly string[], text: string): number =>
  list.findIndex((one) => one.startsWith(text.slice(0, 3)));

const START: Reading = {
  ...{ year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 },
  isAfternoon: null,
};

/** @returns nanoseconds since 1970 of a text in Go's layout; undefined when it is not in it, or names no moment. */
export function parseTime(text: string, layout: string): bigint | undefined {
  const pieces: string[] = [];
  const known = NAMED[layout] ?? layout;
  let pattern = '';
  let at = 0;
  for (const found of known.matchAll(PIECE)) {
    const between = known.slice(at, found.index);
    at = found.index + found[0].length;
    // As Go reads it: a fraction may stand behind the seconds though the layout has none.
    const isBareSecond = /^0?5$/.test(found[0]) && !/^[.,][09]/.test(known.slice(at));
    pattern += `${quote(between)}(${patternOf(found[0])})${isBareSecond ? '([.,]\\d+)?' : ''}`;
    pieces.push(found[0], ...(isBareSecond ? ['.9'] : []));
  }
  const texts = new RegExp(`^${pattern}${quote(known.slice(at))}$`).exec(text)?.slice(1);
  if (!texts) return undefined;
  return momentOf(Object.assign({ ...START }, ...pieces.map((piece, i) => readPiece(piece, texts[i] ?? ''))));
}

const quote = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function patternOf(piece: string): string {
  const field = FIELDS[piece];
  if (field) return field.pattern;
  if (/^[.,]0/.test(piece)) return `[.,]\\d{${piece.length - 1}}`;
  if (/^[.,]9/.test(piece)) return '(?:[.,]\\d+)?';
  const digits = piece.replace(/^[Z-]/, '').replace(/\d\d/g, '\\d\\d');
  return piece.startsWith('Z') ? `Z|[+-]${digits}` : `[+-]${digits}`;
}

function readPiece(piece: string, text: string): Partial<Reading> {
  const field = FIELDS[piece];
  if (field) return field.read(text.trim());
  if (/^[.,]/.test(piece)) return { nanosecond: Number(text.slice(1, 10).padEnd(9, '0')) };
  const [hours = 0, minutes = 0, seconds = 0] = (text.match(/\d\d/g) ?? []).map(Number);
  const size = hours * 3600 + minutes * 60 + seconds;
  return { offset: text.startsWith('-') ? -size : size };
}

function momentOf(reading: Reading): bigint | undefined {
  const { year, month, day, minute, second, isAfternoon } = reading;
  const hour = isAfternoon === null ? reading.hour : (reading.hour % 12) + (isAfternoon ? 12 : 0);
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const isDayOfYear = month === 1 && day > 31 && day <= 366;
  if (month < 1 || month > 12 || day < 1 || (day > days && !isDayOfYear)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return nsOf({ ...reading, hour });
}
