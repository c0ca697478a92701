import { type Civil, civilOf } from './civil.ts';

/** A moment and the zone it is seen in. */
export interface ZonedMoment {
  readonly ns: bigint;
  readonly zone: string;
  readonly civil: Civil;
}

/**
 * How far two moments lie apart as calendars count, whichever is first; both are seen in the zone of the first operand.
 * @returns years, months, days, hours, minutes, seconds
 */
export function differenceOf(a: ZonedMoment, b: ZonedMoment): readonly number[] {
  const other = civilOf(b.ns, a.zone) as Civil;
  const [from, to] = a.ns <= b.ns ? [a.civil, other] : [other, a.civil];
  const parts = [
    to.year - from.year,
    to.month - from.month,
    to.day - from.day,
    to.hour - from.hour,
    to.minute - from.minute,
    to.second - from.second,
  ];
  // How many of each make one of the next greater.
  const daysOfMonth = new Date(Date.UTC(from.year, from.month, 0)).getUTCDate();
  const limits = [Number.POSITIVE_INFINITY, 12, daysOfMonth, 24, 60, 60];
  for (let index = parts.length - 1; index > 0; index -= 1) {
    if ((parts[index] as number) >= 0) continue;
    parts[index] = (parts[index] as number) + (limits[index] as number);
    parts[index - 1] = (parts[index - 1] as number) - 1;
  }
  return parts;
}
