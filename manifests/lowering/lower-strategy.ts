import type { PodShare, Strategy } from '../kinds/strategy.ts';
import type { UpdateStrategy } from '../workload.ts';

const DEFAULT_SHARE: PodShare = { percent: 25 };

/**
 * Resolves percentages against the replicas: surge up, unavailable down; where both come to 0, one pod may be missing,
 * or no pod could ever be replaced. `Recreate` may miss all of them.
 */
export function lowerStrategy(
  written: Strategy,
  { replicas, minReadySeconds }: { readonly replicas: number; readonly minReadySeconds: number },
): UpdateStrategy {
  const type = written.type ?? 'RollingUpdate';
  if (type === 'Recreate') return { type, maxSurge: 0, maxUnavailable: Math.max(replicas, 1), minReadySeconds };
  const maxSurge = resolve(written.rollingUpdate?.maxSurge, replicas, Math.ceil);
  const maxUnavailable = resolve(written.rollingUpdate?.maxUnavailable, replicas, Math.floor);
  return {
    type,
    maxSurge,
    maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable,
    minReadySeconds,
  };
}

function resolve(share: PodShare = DEFAULT_SHARE, replicas: number, round: (pods: number) => number): number {
  return 'pods' in share ? share.pods : round((replicas * share.percent) / 100);
}
