import { type Container, canonicalJson } from '../../manifests/index.ts';
import type { Limits } from '../../native/index.ts';

/** @returns the limits a container is to have, in the words of the backend. */
export function limitsOf({ resources: { requests, limits } }: Container): Limits {
  const { hugePages2MiBytes, hugePages1GiBytes, ioDevices, ...same } = limits;
  const hugepages = { '2MB': hugePages2MiBytes, '1GB': hugePages1GiBytes };
  return {
    ...same,
    cpuShares: sharesOf(requests.cpuMillis ?? 0),
    ioDevices,
    hugepages: Object.fromEntries(
      Object.entries(hugepages).flatMap(([size, bytes]) => (bytes == null ? [] : [[size, bytes]])),
    ),
  };
}

/** Of what kubelet gives: 1024 for a whole CPU, and the least there is to a container that requests none. */
function sharesOf(cpuMillis: number): number {
  return Math.min(Math.max(Math.floor((cpuMillis * 1_024) / 1_000), 2), 262_144);
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
