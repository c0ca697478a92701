import { setTimeout as delay } from 'node:timers/promises';
import type { EmptyDirVolume, PodTemplate } from '../../manifests/index.ts';
import type { OverLimit } from '../reconcile/state.ts';
import { diskUsage } from './disk-usage.ts';
import { emptyDirPath, type PodFileRoots } from './pod-files.ts';

/** How often one volume is measured, milliseconds: a walk of a large tree is work. */
const INTERVAL_MS = 10_000;
/** How long a look waits for a walk, milliseconds; the result of a longer one is told by a look after it. */
const PATIENCE_MS = 250;

/** Measures emptyDir volumes on disk. */
export interface OverLimitWatch {
  /** @returns the volumes of a pod that take more of the disk than their `sizeLimit`, as far as they can be measured. */
  look(podId: string, pod: PodTemplate): Promise<readonly OverLimit[]>;
}

/**
 * @param now milliseconds of a clock that does not go back.
 * @param measure how much a tree takes, up to a little more than is enough.
 */
export function createOverLimitWatch(
  roots: PodFileRoots,
  now: () => number,
  measure: (path: string, enough: number) => Promise<number> = (path, enough) => usageOf(roots, path, enough),
): OverLimitWatch {
  const within = new Map<string, number>();
  const walks = new Map<string, Promise<number>>();
  const usage = async (path: string, limit: number): Promise<number> => {
    for (const [other, at] of within) if (now() - at >= INTERVAL_MS) within.delete(other);
    if (within.has(path)) return 0;
    const walk = walks.get(path) ?? measure(path, limit);
    walks.set(path, walk);
    const used = await inTime(walk).catch(() => {
      walks.delete(path);
      return null;
    });
    if (used === null) return 0;
    walks.delete(path);
    // What is over is measured each time: the next pod of this name must not pay for the one that was evicted.
    if (used <= limit) within.set(path, now());
    return used;
  };
  return {
    look: async (podId, pod) => {
      const measured = await Promise.all(
        limited(pod).map(async ({ name, sizeLimitBytes: limitBytes }) => {
          const usedBytes = await usage(emptyDirPath(roots, podId, name), limitBytes);
          return { volume: name, usedBytes, limitBytes };
        }),
      );
      return measured.filter(({ usedBytes, limitBytes }) => usedBytes > limitBytes);
    },
  };
}

/** What the file system counts itself is known without a walk. */
async function usageOf({ quotas }: PodFileRoots, path: string, enough: number): Promise<number> {
  return quotas?.usage(path)?.usedBytes ?? diskUsage(path, enough);
}

/** @returns null for a walk that is not over yet. */
async function inTime(used: Promise<number>): Promise<number | null> {
  const patience = new AbortController();
  try {
    return await Promise.race([used, delay(PATIENCE_MS, null, { signal: patience.signal })]);
  } finally {
    patience.abort();
  }
}

function limited(pod: PodTemplate): readonly (EmptyDirVolume & { readonly sizeLimitBytes: number })[] {
  return pod.volumes.flatMap((volume) =>
    volume.type === 'emptyDir' && volume.medium === 'Disk' && volume.sizeLimitBytes !== null
      ? [{ ...volume, sizeLimitBytes: volume.sizeLimitBytes }]
      : [],
  );
}
