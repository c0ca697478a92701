/** What figures are in. */
export type Unit = 'ms' | 'us' | 'MB' | 'kB' | 'MB/s';

/** One line of the report. */
export interface Measurement {
  readonly what: string;
  /** The middle of the samples. */
  readonly median: number;
  readonly p95: number | null;
  readonly unit: Unit;
  /** What it is measured against in the same run, and how many times as much we need. */
  readonly ratios: readonly { readonly to: string; readonly value: number }[];
}

/** A table of the report. */
export interface BenchGroup {
  /** By which it is chosen on the command line. */
  readonly name: string;
  readonly title: string;
  run(): Promise<GroupResult>;
}

/** What a group measured, and what it could not: a peer that does not run here is named, never left out silently. */
export interface GroupResult {
  readonly measurements: readonly Measurement[];
  readonly missing: readonly string[];
}

/** Another program's figure to be compared with, and what to call it in a ratio. */
export interface Peer {
  readonly name: string;
  readonly measured: Measurement | null;
}

/** Sums up samples. @param peers figures of the same run to be compared with; those not measured are passed over. */
export function measurement(
  what: string,
  unit: Unit,
  samples: readonly number[],
  peers: readonly Peer[] = [],
): Measurement {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  const median = at(0.5);
  return {
    what,
    unit,
    median,
    p95: sorted.length > 1 ? at(0.95) : null,
    ratios: peers.flatMap(({ name, measured }) =>
      measured === null ? [] : [{ to: name, value: median / measured.median }],
    ),
  };
}

/** @returns a heading, a Markdown table and what could not be measured. */
export function renderGroup({ title }: BenchGroup, { measurements, missing }: GroupResult): string {
  const rows = measurements.map(({ what, median, p95, unit, ratios }) => [
    what,
    `${format(median)} ${unit}`,
    p95 === null ? '' : `${format(p95)} ${unit}`,
    ratios.map(({ to, value }) => `${value.toFixed(2)}x ${to}`).join(', '),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const table = [line(['what', 'median', 'p95', 'ratio']), line(['---', '---', '---', '---']), ...rows.map(line)];
  const notes = missing.map((each) => `Not measured here: ${each}\n`);
  return [`\n### ${title}\n\n`, ...table, ...(notes.length === 0 ? [] : ['\n', ...notes])].join('');
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/** Times one run of something, in milliseconds. */
export async function timed(run: () => unknown): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}
