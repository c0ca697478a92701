import type { Limits } from '../backend.ts';

/** The cpu bandwidth period every group has, in microseconds. */
export const CPU_PERIOD_US = 100_000;

const LARGEST_PAGE_BYTES = 65_536;
const MAX_MEMORY_BYTES = 2 ** 60;
const MIN_CPU_MILLIS = 10;
const MAX_CPU_MILLIS = 1_000_000_000;
const MAX_PIDS = 4_194_304;

/**
 * The limits a kernel can hold exactly, nearest to those given: memory in whole pages of the largest page size Linux
 * has (64 KiB, so that the answer is the same on every node), CPU of at least 1 ms in 100 ms (the shortest quota,
 * sched-bwc), at most PID_MAX_LIMIT processes. Applying it twice changes nothing.
 */
export function canonicalLimits(limits: Limits): Limits {
  return {
    memoryBytes: limits.memoryBytes === null ? null : wholePages(limits.memoryBytes),
    cpuMillis: limits.cpuMillis === null ? null : clamp(Math.ceil(limits.cpuMillis), MIN_CPU_MILLIS, MAX_CPU_MILLIS),
    pids: limits.pids === null ? null : clamp(Math.floor(limits.pids), 0, MAX_PIDS),
  };
}

/** @returns the CFS quota for a number of thousandths of a CPU, in microseconds per period. */
export function cpuQuotaUs(cpuMillis: number): number {
  return (cpuMillis * CPU_PERIOD_US) / 1000;
}

/** @returns thousandths of a CPU that a quota gives; a fraction when somebody else chose the numbers. */
export function cpuMillisOf(quotaUs: number, periodUs: number): number {
  return (quotaUs * 1000) / periodUs;
}

function wholePages(bytes: number): number {
  const pages = Math.floor(bytes / LARGEST_PAGE_BYTES);
  return clamp(pages * LARGEST_PAGE_BYTES, LARGEST_PAGE_BYTES, MAX_MEMORY_BYTES);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
