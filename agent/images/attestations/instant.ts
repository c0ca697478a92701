import * as z from 'zod';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** @returns nanoseconds since 1970, to the millisecond, of an RFC 3339 time; null when it is none, or before that. */
export function instantNs(text: string): number | null {
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return ms >= 0 ? ms * 1_000_000 : null;
}

/** A time that may be missing. Go's programs write the year 1 for none. */
export const optionalInstant = z
  .string()
  .regex(RFC_3339, 'expected a time as RFC 3339 has it')
  .nullish()
  .transform((value) => (value ? instantNs(value) : null));
