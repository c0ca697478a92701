/** One line of the report. */
export interface Measurement {
  readonly what: string;
  /** The middle of the samples. */
  readonly median: number;
  readonly p95: number | null;
  readonly unit: 'ms' | 'us' | 'MB' | 'kB';
  /** What it is measured against in the same run, and how many times as much we need. */
  readonly ratio: { readonly to: string; readonly value: number } | null;
}

/** Sums up samples. @param peer a measurement of the same run to be compared with. */
export function measurement(
  what: string,
  unit: Measurement['unit'],
  samples: readonly number[],
  peer?: Measurement,
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
    ratio: peer === undefined ? null : { to: peer.what, value: median / peer.median },
  };
}

/** @returns a Markdown table. */
export function renderTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ what, median, p95, unit, ratio }) => [
    what,
    `${format(median)} ${unit}`,
    p95 === null ? '' : `${format(p95)} ${unit}`,
    ratio === null ? '' : `${ratio.value.toFixed(2)}x ${ratio.to}`,
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [line(['what', 'median', 'p95', 'ratio']), line(['---', '---', '---', '---']), ...rows.map(line)].join('');
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
