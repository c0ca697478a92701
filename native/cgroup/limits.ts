import type { IoDeviceLimits, Limits } from '../limits.ts';
import { canonicalNumberList } from './number-list.ts';

/** The cpu bandwidth period every group has, in microseconds. */
export const CPU_PERIOD_US = 100_000;

const LARGEST_PAGE_BYTES = 65_536;
const MAX_MEMORY_BYTES = 2 ** 60;
const MIN_CPU_MILLIS = 10;
const MAX_CPU_MILLIS = 1_000_000_000;
const MAX_PIDS = 4_194_304;
const SHARES = { least: 2, most: 262_144 } as const;
const IO_WEIGHT = { least: 10, most: 1_000 } as const;
/** v1 keeps operations a second in 32 bits. */
const MAX_OPERATIONS = 2 ** 32 - 2;

/**
 * The limits a kernel can hold exactly, nearest to those given: memory in whole pages of the largest page size Linux
 * has (64 KiB, so that the answer is the same on every node), CPU of at least 1 ms in 100 ms (the shortest quota,
 * sched-bwc), at most PID_MAX_LIMIT processes, lists in the kernel's form, devices by name, huge pages whole. What is
 * not limited beyond the first three is left out. Applying it twice changes nothing.
 */
export function canonicalLimits(limits: Limits): Limits {
  const { memoryHighBytes, swapBytes, cpuShares, cpus, mems, ioWeight, ioDevices = [], hugepages = {} } = limits;
  const devices = ioDevices.map(canonicalDevice).filter((device) => Object.keys(device).length > 1);
  const pages = Object.entries(hugepages).map(([size, bytes]) => [size, wholeHugePages(size, bytes)] as const);
  return {
    memoryBytes: limits.memoryBytes === null ? null : wholePages(limits.memoryBytes),
    cpuMillis: limits.cpuMillis === null ? null : clamp(Math.ceil(limits.cpuMillis), MIN_CPU_MILLIS, MAX_CPU_MILLIS),
    pids: limits.pids === null ? null : clamp(Math.floor(limits.pids), 0, MAX_PIDS),
    ...given('memoryHighBytes', memoryHighBytes, wholePages),
    ...given('swapBytes', swapBytes, wholeSwapPages),
    ...given('cpuShares', cpuShares, (shares) => clamp(Math.floor(shares), SHARES.least, SHARES.most)),
    ...given('cpus', cpus, canonicalNumberList),
    ...given('mems', mems, canonicalNumberList),
    ...given('ioWeight', ioWeight, (weight) => clamp(Math.floor(weight), IO_WEIGHT.least, IO_WEIGHT.most)),
    ...(devices.length === 0 ? {} : { ioDevices: devices.sort((a, b) => (a.device < b.device ? -1 : 1)) }),
    ...(pages.length === 0 ? {} : { hugepages: Object.fromEntries(pages.sort()) }),
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

/** @returns the v2 weight for v1 shares, as Kubernetes and the runtimes below it have it. */
export function weightOfShares(shares: number): number {
  return 1 + Math.floor(((shares - SHARES.least) * 9999) / 262_142);
}

/** @returns the least shares that have this weight. */
export function sharesOfWeight(weight: number): number {
  return SHARES.least + Math.ceil(((weight - 1) * 262_142) / 9999);
}

/** @returns `io.weight`, from 1 to 10000, for the weight of the bfq scheduler, from 10 to 1000. */
export function costWeightOf(ioWeight: number): number {
  return 1 + Math.floor(((ioWeight - IO_WEIGHT.least) * 9999) / 990);
}

/** @returns the least weight of the bfq scheduler with this `io.weight`. */
export function ioWeightOfCost(weight: number): number {
  return IO_WEIGHT.least + Math.ceil(((weight - 1) * 990) / 9999);
}

/** @returns the bytes of one huge page of a size such as `2MB`; null when it is no size. */
export function hugePageBytes(size: string): number | null {
  const [, count, unit = ''] = /^([1-9]\d{0,3})(KB|MB|GB)$/.exec(size) ?? [];
  const factor = { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[unit];
  return count === undefined || factor === undefined ? null : Number(count) * factor;
}

function canonicalDevice({ device, ...limits }: IoDeviceLimits): IoDeviceLimits {
  const { readBytesPerSecond, writeBytesPerSecond, readsPerSecond, writesPerSecond, weight } = limits;
  const rate = (value: number): number => clamp(Math.floor(value), 1, Number.MAX_SAFE_INTEGER);
  const operations = (value: number): number => clamp(Math.floor(value), 1, MAX_OPERATIONS);
  return {
    device,
    ...given('readBytesPerSecond', readBytesPerSecond, rate),
    ...given('writeBytesPerSecond', writeBytesPerSecond, rate),
    ...given('readsPerSecond', readsPerSecond, operations),
    ...given('writesPerSecond', writesPerSecond, operations),
    ...given('weight', weight, (value) => clamp(Math.floor(value), IO_WEIGHT.least, IO_WEIGHT.most)),
  };
}

function given<Key extends string, T>(
  key: Key,
  value: T | null | undefined,
  toCanonical: (value: T) => T,
): { readonly [K in Key]?: T } {
  return (value === null || value === undefined ? {} : { [key]: toCanonical(value) }) as { readonly [K in Key]?: T };
}

function wholePages(bytes: number): number {
  const pages = Math.floor(bytes / LARGEST_PAGE_BYTES);
  return clamp(pages * LARGEST_PAGE_BYTES, LARGEST_PAGE_BYTES, MAX_MEMORY_BYTES);
}

/** Swap may be none. */
function wholeSwapPages(bytes: number): number {
  return bytes >= Number.MAX_SAFE_INTEGER
    ? Number.MAX_SAFE_INTEGER
    : Math.floor(bytes / LARGEST_PAGE_BYTES) * LARGEST_PAGE_BYTES;
}

function wholeHugePages(size: string, bytes: number): number {
  const page = hugePageBytes(size);
  return page === null ? bytes : Math.floor(bytes / page) * page;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
