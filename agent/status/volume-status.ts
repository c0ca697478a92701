import type { VolumeStatus } from '../../manifests/index.ts';
import { orphans } from '../reconcile/claims.ts';
import type { ClaimRecord, DesiredState, ObservedState } from '../reconcile/state.ts';

/** @returns how the volume claims of this node stand, sorted by namespace and name. */
export function volumeStatus(desired: DesiredState, observed: ObservedState): readonly VolumeStatus[] {
  const orphaned = new Set(orphans(desired, observed).map(keyOf));
  const isUnable = (observed.volumeObstacle ?? null) !== null;
  return (observed.claims ?? [])
    .map((claim): VolumeStatus => {
      const { namespace, name, storageBytes, reclaimPolicy, isLoose = false } = claim;
      const left = reclaimPolicy === 'Delete' ? 'Removing' : 'Retained';
      const state = orphaned.has(keyOf(claim)) ? left : 'Declared';
      return { namespace, name, storageBytes, state, isBounded: !isUnable && !isLoose };
    })
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : Number(keyOf(a) > keyOf(b))));
}

function keyOf({ namespace, name }: Pick<ClaimRecord, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}
