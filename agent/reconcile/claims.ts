import type { WorkloadKey } from '../../manifests/index.ts';
import { CLEANUP, combine, type Draft, nothing, steps } from './draft.ts';
import { unlessRemovalFailed } from './removal.ts';
import type {
  ClaimRecord,
  DesiredState,
  DesiredWorkload,
  ObservedClaim,
  ObservedState,
  PlanContext,
  Version,
} from './state.ts';

/** Makes the volumes that versions of a workload which may run refer to, before anything else is done for it. */
export function planClaims(desired: DesiredWorkload, state: DesiredState, observed: ObservedState): Draft {
  const versions = runnable(desired);
  const created = new Set<string>();
  return combine(
    ...versions.flatMap((version) =>
      claimNames(version).flatMap((name) => {
        const { namespace } = version.workload;
        const claim = (state.claims ?? []).find((each) => each.namespace === namespace && each.name === name);
        const found = find(observed, { namespace, name });
        if (claim === undefined || created.has(name) || (found && isSame(claim, found) && !found.isLoose)) return [];
        created.add(name);
        const reason = reasonOf(claim, found);
        const { identity } = version;
        return [steps({ kind: 'create-volume', workload: desired.key, identity, claim: recordOf(claim), reason })];
      }),
    ),
  );
}

/**
 * Keeps up what is said of the volumes that no version uses now: what Git declares last is what holds when it declares them
 * no more.
 */
export function planUnused(desired: DesiredState, observed: ObservedState, context: PlanContext): Draft {
  const used = new Set(
    desired.workloads
      .flatMap(runnable)
      .flatMap((version) => claimNames(version).map((name) => `${version.workload.namespace}/${name}`)),
  );
  const drafts = (desired.claims ?? []).flatMap((claim) => {
    const found = find(observed, claim);
    if (!found || used.has(`${claim.namespace}/${claim.name}`) || (isSame(claim, found) && !found.isLoose)) return [];
    const reason = reasonOf(claim, found);
    return [steps({ kind: 'create-volume', workload: '', identity: CLEANUP, claim: recordOf(claim), reason })];
  });
  return drafts.length === 0 ? nothing : unlessRemovalFailed('', context, combine(...drafts));
}

/**
 * Deletes the volumes that Git does not declare any more and that said so themselves. All others are kept: no slip in Git
 * may cost data.
 */
export function planOrphans(desired: DesiredState, observed: ObservedState, context: PlanContext): Draft {
  const drafts = orphans(desired, observed)
    .filter((claim) => claim.reclaimPolicy === 'Delete' && !isInUse(claim, desired, observed))
    .map(({ namespace, name }) =>
      steps({
        kind: 'remove-volume',
        workload: '',
        namespace,
        name,
        reason: 'not in Git any more, and its reclaim policy is Delete',
      }),
    );
  return drafts.length === 0 ? nothing : unlessRemovalFailed('', context, combine(...drafts));
}

/** @returns the volumes of this node that Git does not declare. */
export function orphans(desired: DesiredState, observed: ObservedState): readonly ClaimRecord[] {
  return (observed.claims ?? []).filter(
    ({ namespace, name }) =>
      !(desired.claims ?? []).some((claim) => claim.namespace === namespace && claim.name === name),
  );
}

/**
 * By a version that may run, or by a pod of the namespace that is on its way out; or nobody can tell, for a workload of the
 * namespace is not judged yet, and its last good version with it.
 */
export function isInUse(
  { namespace, name }: ClaimRecord,
  { workloads }: DesiredState,
  { pods }: ObservedState,
): boolean {
  const own = workloads.filter(({ workload }) => workload.namespace === namespace);
  const versions = own.flatMap(runnable);
  if (own.some(({ wanted }) => wanted.state !== 'judged')) return true;
  if (versions.some((version) => claimNames(version).includes(name))) return true;
  const known = new Set(versions.map(({ identity }) => identity));
  return pods.some((pod) => namespaceOf(pod.key) === namespace && !known.has(pod.identity));
}

function find(
  { claims = [] }: ObservedState,
  { namespace, name }: Pick<ClaimRecord, 'namespace' | 'name'>,
): ObservedClaim | undefined {
  return claims.find((each) => each.namespace === namespace && each.name === name);
}

function runnable({ wanted, lastGood }: DesiredWorkload): readonly Version[] {
  const candidates = [wanted.state === 'judged' ? wanted : null, lastGood];
  return candidates.flatMap((it) => (it === null || it.verdict.decision === 'deny' ? [] : [it.version]));
}

function claimNames({ workload }: Version): readonly string[] {
  return workload.pod.volumes.flatMap((volume) => (volume.type === 'persistentVolumeClaim' ? [volume.claimName] : []));
}

function reasonOf(claim: ClaimRecord, found: ObservedClaim | undefined): string {
  if (found === undefined) return 'wanted and not there';
  return isSame(claim, found) ? 'not held to its size by the file system' : 'what Git says of it changed';
}

function isSame(a: ClaimRecord, b: ClaimRecord): boolean {
  return a.storageBytes === b.storageBytes && a.isForOnePod === b.isForOnePod && a.reclaimPolicy === b.reclaimPolicy;
}

function recordOf({ namespace, name, storageBytes, isForOnePod, reclaimPolicy }: ClaimRecord): ClaimRecord {
  return { namespace, name, storageBytes, isForOnePod, reclaimPolicy };
}

function namespaceOf(key: WorkloadKey): string {
  return key.slice(0, key.indexOf('/'));
}
