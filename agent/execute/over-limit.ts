import type { EmptyDirVolume, PodTemplate } from '../../manifests/index.ts';
import type { OverLimit } from '../reconcile/state.ts';
import { diskUsage } from './disk-usage.ts';
import { emptyDirPath, type PodFileRoots } from './pod-files.ts';

/** How often one volume is measured, milliseconds: a walk of a large tree is work. */
const INTERVAL_MS = 10_000;

/** Measures emptyDir volumes on disk. */
export interface OverLimitWatch {
  /** @returns the volumes of a pod that take more of the disk than their `sizeLimit`. */
  look(podId: string, pod: PodTemplate): Promise<readonly OverLimit[]>;
}

/** @param now milliseconds of a clock that does not go back. */
export function createOverLimitWatch(roots: PodFileRoots, now: () => number): OverLimitWatch {
  const measured = new Map<string, { readonly at: number; readonly usedBytes: number }>();
  const usage = async (path: string, limit: number): Promise<number> => {
    const known = measured.get(path);
    if (known !== undefined && now() - known.at < INTERVAL_MS) return known.usedBytes;
    const usedBytes = await diskUsage(path, limit);
    for (const [other, { at }] of measured) if (now() - at > INTERVAL_MS * 6) measured.delete(other);
    measured.set(path, { at: now(), usedBytes });
    return usedBytes;
  };
  return {
    look: async (podId, pod) => {
      const over: OverLimit[] = [];
      for (const { name, sizeLimitBytes } of limited(pod)) {
        const usedBytes = await usage(emptyDirPath(roots, podId, name), sizeLimitBytes);
        if (usedBytes > sizeLimitBytes) over.push({ volume: name, usedBytes, limitBytes: sizeLimitBytes });
      }
      return over;
    },
  };
}

function limited(pod: PodTemplate): readonly (EmptyDirVolume & { readonly sizeLimitBytes: number })[] {
  return pod.volumes.flatMap((volume) =>
    volume.type === 'emptyDir' && volume.medium === 'Disk' && volume.sizeLimitBytes !== null
      ? [{ ...volume, sizeLimitBytes: volume.sizeLimitBytes }]
      : [],
  );
}
