import { isArrayTerm, type Term, whole, wholeOf } from '../../terms/term.ts';
import { type Builtins, ofTexts } from '../builtin.ts';
import { type Civil, civilOf, inRange, nsOf } from './civil.ts';
import { differenceOf } from './difference.ts';
import { parseDuration } from './duration.ts';
import { formatTime, parseTime, RFC3339, RFC3339_NANO } from './layout.ts';

/** Times in nanoseconds since 1970 (OPA, "Policy Reference", Time). What time it is comes in as input. */
export const TIME: Builtins = {
  'time.parse_rfc3339_ns': ofTexts((text = '') => toTerm(parseTime(text, RFC3339))),
  'time.parse_ns': ofTexts((layout = '', text = '') => toTerm(parseTime(text, layout))),
  'time.parse_duration_ns': ofTexts((text = '') => toTerm(parseDuration(text))),
  'time.format': (moment) => {
    const at = read(moment);
    return at && formatTime(at.civil, at.layout ?? RFC3339_NANO);
  },
  'time.date': (moment) => pick(moment, ({ year, month, day }) => [year, month, day]),
  'time.clock': (moment) => pick(moment, ({ hour, minute, second }) => [hour, minute, second]),
  'time.weekday': (moment) => pick(moment, (civil) => formatTime(civil, 'Monday')),
  'time.add_date': (ns, years, months, days) => {
    const [start, ...amounts] = [ns, years, months, days].map((term) => wholeOf(term));
    const civil = start === undefined || inRange(start) === undefined ? undefined : civilOf(start, 'UTC');
    const [y, m, d] = amounts.map((amount) => (amount === undefined ? Number.NaN : Number(amount)));
    if (!civil || y === undefined || m === undefined || d === undefined || Number.isNaN(y + m + d)) return undefined;
    return toTerm(nsOf({ ...civil, year: civil.year + y, month: civil.month + m, day: civil.day + d }));
  },
  'time.diff': (a, b) => {
    const [one, other] = [read(a), read(b)];
    return one && other && differenceOf(one, other);
  },
};

/** A moment as Rego gives it: nanoseconds, or an array of them, a zone and a layout. */
interface Moment {
  readonly ns: bigint;
  readonly zone: string;
  readonly civil: Civil;
  readonly layout: string | null;
}

function read(term: Term | undefined): Moment | undefined {
  const [first, zone = 'UTC', layout = null] = isArrayTerm(term) ? term : [term];
  const ns = wholeOf(first);
  if (ns === undefined || inRange(ns) === undefined || typeof zone !== 'string') return undefined;
  if (layout !== null && typeof layout !== 'string') return undefined;
  const civil = civilOf(ns, zone);
  return civil && { ns, zone, civil, layout };
}

function pick(moment: Term | undefined, choose: (civil: Civil) => Term): Term | undefined {
  const at = read(moment);
  return at && choose(at.civil);
}

function toTerm(ns: bigint | undefined): Term | undefined {
  const known = ns === undefined ? undefined : inRange(ns);
  return known === undefined ? undefined : whole(known);
}
