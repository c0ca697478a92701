import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BackendError } from '../errors.ts';
import { readControl } from './files.ts';

/** What a group has used since it was made, and uses now. A figure the kernel does not keep is null. */
export interface GroupUsage {
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  readonly pids: number;
  /** Forks refused for the limit of processes. */
  readonly pidsLimitHits: number;
  /** Of block devices, together and one by one. */
  readonly io: IoUsage | null;
  /** Bytes of huge pages by their size, as `2MB`; null where the group has no such controller. */
  readonly hugepages: Readonly<Record<string, number>> | null;
  /** Time lost for want of something (kernel Documentation/accounting/psi.rst). */
  readonly pressure: { readonly [Resource in 'cpu' | 'memory' | 'io']: Pressure | null };
}

export interface IoUsage {
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly devices: readonly DeviceUsage[];
}

export interface DeviceUsage {
  /** Major and minor number, as `8:0`. */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
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
  readonly swapBytes: number | null;
  /** Times it went above its soft limit and was slowed down. */
  readonly highHits: number;
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

/** @returns the usage of devices, and of all of them. */
export function ioUsageOf(devices: readonly DeviceUsage[]): IoUsage {
  const sum = (key: 'readBytes' | 'writtenBytes'): number => devices.reduce((total, each) => total + each[key], 0);
  return { readBytes: sum('readBytes'), writtenBytes: sum('writtenBytes'), devices };
}

/** Reads huge pages in use. @param name of the file after the size, which is that of the version. */
export async function readHugepages(directory: string, name: string): Promise<GroupUsage['hugepages']> {
  const used: Record<string, number> = {};
  for (const size of HUGE_PAGE_SIZES) {
    const path = join(directory, `hugetlb.${size}.${name}`);
    // Most groups have none, and the error of a read costs ten times as much as the question.
    const text = existsSync(path) ? await readControl(path) : null;
    if (text === null) return null;
    used[size] = Number(text);
  }
  return used;
}

/** The node's sizes, in the words of control files. */
function listHugePageSizes(): readonly string[] {
  const names = existsSync(HUGE_PAGES) ? readdirSync(HUGE_PAGES) : [];
  const sizes = names.flatMap((name) => /^hugepages-(\d+)kB$/.exec(name)?.[1] ?? []).map(Number);
  return sizes.map((kibi) =>
    kibi >= 2 ** 20 ? `${kibi / 2 ** 20}GB` : kibi >= 2 ** 10 ? `${kibi / 2 ** 10}MB` : `${kibi}KB`,
  );
}

const HUGE_PAGES = '/sys/kernel/mm/hugepages';
const HUGE_PAGE_SIZES = listHugePageSizes();

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
