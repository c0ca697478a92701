import type { NodeStatus } from '../../manifests/index.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { openClaims } from '../execute/claims.ts';
import { diskUsage } from '../execute/disk-usage.ts';
import { createVolumeQuotas } from '../execute/volume-quotas.ts';
import type { MeasuredVolume } from './show-volumes.ts';

/** Of all volumes together: a person waits for it. */
const PATIENCE_MS = 2_000;

/** Measures the volumes of a status on this node's disk. What cannot be measured in time, or at all, has no size. */
export async function measureVolumes(
  { volumes = [] }: NodeStatus,
  { paths }: LoadedConfig,
): Promise<readonly MeasuredVolume[]> {
  if (volumes.length === 0) return [];
  const { openProjectQuotas } = await import('../../native/index.ts');
  const quotas = createVolumeQuotas(openProjectQuotas(paths.state));
  const claims = openClaims(paths.state);
  const deadline = performance.now() + PATIENCE_MS;
  const measured: MeasuredVolume[] = [];
  for (const volume of volumes) {
    const path = claims.path(volume.namespace, volume.name);
    measured.push({ ...volume, path, usedBytes: await measure(path, quotas.usage, deadline).catch(() => null) });
  }
  return measured;
}

async function measure(
  path: string,
  counted: (path: string) => { readonly usedBytes: number } | null,
  deadline: number,
): Promise<number | null> {
  const known = counted(path);
  if (known !== null) return known.usedBytes;
  const isLate = (): boolean => performance.now() > deadline;
  const used = await diskUsage(path, Number.POSITIVE_INFINITY, isLate);
  return isLate() ? null : used;
}
