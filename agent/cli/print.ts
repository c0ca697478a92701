/** Where a verb writes. */
export interface Output {
  readonly write: (text: string) => void;
  readonly error: (text: string) => void;
}

export type OutputFormat = 'text' | 'json';

/** Writes an answer as JSON, or as the text made from it. */
export function print<Answer>(
  output: Output,
  format: OutputFormat,
  answer: Answer,
  toText: (answer: Answer) => string,
): void {
  output.write(format === 'json' ? `${JSON.stringify(answer, null, 2)}\n` : toText(answer));
}

/** @returns a text on one line, without characters that would command the terminal: parts of it may come from strangers. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Lays rows out in columns, two spaces apart, each cell made plain. @returns lines, each ended. */
export function table(header: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(plain));
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `${row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()}\n`;
  return [header, ...rows].map(line).join('');
}

/** @returns a length of time as kubectl shows it: `5s`, `3m`, `7h`, `2d`. */
export function age(sinceMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const STEP = 1024;

/** @returns a number of bytes for people: `512B`, `1.5MiB`, `20GiB`. */
export function showBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(STEP)));
  const value = bytes / STEP ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)}${UNITS[power]}`;
}
