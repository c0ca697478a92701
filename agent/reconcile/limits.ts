import { type Container, canonicalJson } from '../../manifests/index.ts';
import type { Limits } from '../../native/index.ts';

/** @returns the limits a container is to have, in the words of the backend. */
export function limitsOf({ resources: { limits } }: Container): Limits {
  return { memoryBytes: limits.memoryBytes, cpuMillis: limits.cpuMillis, pids: limits.pids };
}

/** @returns whether two sets of limits ask the kernel for the same. */
export function sameLimits(a: Limits, b: Limits): boolean {
  return differingLimits(a, b).length === 0;
}

/** @returns the limits in which two sets differ; what is absent, null or empty is no limit. */
export function differingLimits(a: Limits, b: Limits): readonly (keyof Limits)[] {
  return LIMITS.filter((limit) => describeLimit(a[limit]) !== describeLimit(b[limit]));
}

/** @returns a limit for people. */
export function describeLimit(limit: Limits[keyof Limits]): string {
  if (limit === null || limit === undefined) return UNLIMITED;
  if (typeof limit !== 'object') return String(limit);
  return Object.keys(limit).length === 0 ? UNLIMITED : canonicalJson(limit);
}

const UNLIMITED = 'unlimited';

const EVERY: { readonly [Limit in keyof Required<Limits>]: true } = {
  memoryBytes: true,
  cpuMillis: true,
  pids: true,
  memoryHighBytes: true,
  swapBytes: true,
  cpuShares: true,
  cpus: true,
  mems: true,
  ioWeight: true,
  ioDevices: true,
  hugepages: true,
};
const LIMITS = Object.keys(EVERY) as readonly (keyof Limits)[];
