import { BackendError } from '../errors.ts';
import { readControl } from './files.ts';

/** What a group has used since it was made, and uses now. A figure the kernel does not keep is null. */
export interface GroupUsage {
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  readonly pids: number;
  /** Of block devices. */
  readonly io: { readonly readBytes: number; readonly writtenBytes: number } | null;
  /** Time lost for want of something (kernel Documentation/accounting/psi.rst). */
  readonly pressure: { readonly [Resource in 'cpu' | 'memory' | 'io']: Pressure | null };
}

export interface CpuUsage {
  readonly totalMicros: number;
  readonly userMicros: number;
  readonly systemMicros: number;
  /** Quota periods in which it wanted to run, and those in which it was held back. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledMicros: number;
}

export interface MemoryUsage {
  readonly totalBytes: number;
  /** Without file pages that have not been used for a while: what it cannot do without, as kubelet counts it. */
  readonly workingSetBytes: number;
  readonly anonymousBytes: number;
  readonly fileBytes: number;
  readonly peakBytes: number | null;
  /** Times it was about to exceed its limit. */
  readonly limitHits: number;
  readonly oomKills: number;
}

/** `some`: at least one task waited; `full`: all of them did. */
export interface Pressure {
  readonly some: Stall;
  readonly full: Stall | null;
}

export interface Stall {
  /** Share of the last 10, 60 and 300 seconds, in percent. */
  readonly last10Percent: number;
  readonly last60Percent: number;
  readonly last300Percent: number;
  readonly totalMicros: number;
}

/** @returns the numbers of a file of `key number` lines; a missing file has none. */
export async function readNumbers(path: string): Promise<ReadonlyMap<string, number>> {
  const lines = ((await readControl(path)) ?? '').split('\n').map((line) => line.split(' '));
  return new Map(
    lines.flatMap(([key, value]) => (key === undefined || value === undefined ? [] : [[key, Number(value)]])),
  );
}

/** Reads a pressure file; null without one, or where the kernel was booted with `psi=0`. */
export async function readPressure(path: string): Promise<Pressure | null> {
  const text = await readControl(path).catch((error: unknown) => {
    if (error instanceof BackendError && (error.errno === 'ENOTSUP' || error.errno === 'EOPNOTSUPP')) return null;
    throw error;
  });
  const some = parseStall(text, 'some');
  return some === null ? null : { some, full: parseStall(text, 'full') };
}

/** @returns usage less what was not used for a while; the two are not read at one moment. */
export function workingSet(totalBytes: number, inactiveFileBytes: number): number {
  return Math.max(0, totalBytes - inactiveFileBytes);
}

function parseStall(text: string | null, kind: 'some' | 'full'): Stall | null {
  const pattern = new RegExp(`^${kind} avg10=([0-9.]+) avg60=([0-9.]+) avg300=([0-9.]+) total=([0-9]+)$`, 'm');
  const [, last10, last60, last300, total] = pattern.exec(text ?? '') ?? [];
  if (total === undefined) return null;
  return {
    last10Percent: Number(last10),
    last60Percent: Number(last60),
    last300Percent: Number(last300),
    totalMicros: Number(total),
  };
}
