/** Part of a log, in milliseconds since the epoch, both ends included. */
export interface TimeWindow {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export const ALWAYS: TimeWindow = { sinceMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;
const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * @param text a time ago, such as `90s`, `10m` or `1h30m`, or a moment as RFC 3339 has it, or a day.
 * @returns milliseconds since the epoch, or null for what is neither.
 */
export function parseMoment(text: string, nowMs: number): number | null {
  const [matched, ...counts] = DURATION.exec(text) ?? [];
  if (matched !== undefined && matched !== '') {
    const units = Object.values(UNIT_MS);
    return nowMs - counts.reduce((sum, count, index) => sum + Number(count ?? 0) * (units[index] ?? 0), 0);
  }
  const moment = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(moment) ? null : moment;
}

/** @param time of a log's line, RFC 3339. */
export function isWithin({ sinceMs, untilMs }: TimeWindow, time: string): boolean {
  const moment = Date.parse(time);
  return moment >= sinceMs && moment <= untilMs;
}
