import type { Claims } from '../execute/claims.ts';
import { isInUse, orphans } from '../reconcile/claims.ts';
import type { DesiredState, ObservedState } from '../reconcile/state.ts';

/** Names a volume claim of this node. */
export interface VolumeName {
  readonly namespace: string;
  readonly name: string;
}

/** `Removing`: what is to be removed is written down, and goes when it can. */
export type Discarded = VolumeName & { readonly state: 'Removed' | 'Removing' };

/** Why a volume was not removed. */
export type VolumeErrorCode = 'no-revision' | 'no-such-volume' | 'declared' | 'in-use';

export class VolumeError extends Error {
  readonly code: VolumeErrorCode;

  constructor(code: VolumeErrorCode, message: string) {
    super(message);
    this.name = 'VolumeError';
    this.code = code;
  }
}

/** What removing a volume needs. */
export interface DiscardPorts {
  readonly claims: Pick<Claims, 'create' | 'find'>;
  /** What the last look saw, or null before the first revision. */
  readonly seen: () => { readonly desired: DesiredState; readonly observed: ObservedState } | null;
  /** Looks at the node, and resolves when what that led to is done. */
  readonly settle: () => Promise<void>;
}

/**
 * Removes the data of a claim that Git does not declare any more, because a person says so. It becomes one whose own words
 * are that it is to go: the planner removes it as it would have, had Git said so, after a crash too.
 * @throws VolumeError when it may be needed, or is not there.
 */
export async function discardVolume(
  { claims, seen, settle }: DiscardPorts,
  { namespace, name }: VolumeName,
): Promise<Discarded> {
  const now = seen();
  const key = `${namespace}/${name}`;
  if (now === null) throw new VolumeError('no-revision', 'the agent has not taken a revision yet; see holdfast status');
  const claim = now.observed.claims?.find((each) => each.namespace === namespace && each.name === name);
  if (claim === undefined) throw new VolumeError('no-such-volume', `this node has no volume ${key}`);
  if (!orphans(now.desired, now.observed).includes(claim)) {
    const advice =
      'remove it there first, with the annotation holdfast.dev/reclaim-policy: Delete if nothing is to stay';
    throw new VolumeError('declared', `Git declares the claim ${key}: ${advice}`);
  }
  if (isInUse(claim, now.desired, now.observed))
    throw new VolumeError('in-use', `a pod or the last good version of a workload of ${namespace} uses ${key}, or may`);
  await claims.create({ ...claim, reclaimPolicy: 'Delete' });
  await settle();
  return { namespace, name, state: (await claims.find(namespace, name)) === null ? 'Removed' : 'Removing' };
}
