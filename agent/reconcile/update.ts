import { availability } from './availability.ts';
import { combine, type Draft, nothing, steps, waiting } from './draft.ts';
import type { Step } from './plan.ts';
import { removePod } from './removal.ts';
import type { LastGood, ObservedPod, ObservedState, PlanContext, Version } from './state.ts';
import { createPod, keepPod } from './upkeep.ts';

/** The pods of one workload, told apart by version. */
interface PodSets {
  /** Of the target version, replica number within the wanted count. */
  readonly current: readonly ObservedPod[];
  /** Of the target version, replica number beyond it. */
  readonly surplus: readonly ObservedPod[];
  /** Of any other version. */
  readonly others: readonly ObservedPod[];
}

/**
 * Moves a workload to a target version: its images first, then its pods, never fewer serving than the update strategy
 * allows. Pods of the last good version are kept up until enough of the target are available.
 */
export function planUpdate(
  target: Version,
  lastGood: LastGood | null,
  pods: readonly ObservedPod[],
  observed: ObservedState,
  context: PlanContext,
): Draft {
  const sets = splitPods(target, pods);
  const isRecreate = target.workload.update.type === 'Recreate';
  return combine(
    pullImages(target, observed),
    ...sets.surplus.map((pod) => removePod(pod, 'more replicas than wanted', context, graceOf(target))),
    ...sets.current.map((pod) => keepPod(pod, target, context)),
    isRecreate ? recreate(target, sets, context) : roll(target, lastGood, sets, context),
  );
}

function splitPods(target: Version, pods: readonly ObservedPod[]): PodSets {
  const own = pods.filter((pod) => pod.identity === target.identity);
  return {
    current: own.filter((pod) => pod.replica < target.workload.replicas),
    surplus: own.filter((pod) => pod.replica >= target.workload.replicas),
    others: pods.filter((pod) => pod.identity !== target.identity),
  };
}

function pullImages(target: Version, observed: ObservedState): Draft {
  const key = `${target.workload.namespace}/${target.workload.name}`;
  const missing = Object.entries(target.images).filter(([, image]) => !observed.images.has(image.digest));
  return steps(
    ...missing.map(
      ([reference, image]): Step => ({
        kind: 'pull-image',
        workload: key,
        reference,
        digest: image.digest,
        identity: target.identity,
        reason: 'not on this node',
      }),
    ),
  );
}

function recreate(target: Version, sets: PodSets, context: PlanContext): Draft {
  return combine(
    ...sets.others.map((pod) => removePod(pod, 'replaced by a new version', context, graceOf(target))),
    ...missingReplicas(target, sets).map((replica) => createPod(target, replica, creationReason(sets))),
    ...sets.current.map((pod) => settle(pod, target, context)),
  );
}

function roll(target: Version, lastGood: LastGood | null, sets: PodSets, context: PlanContext): Draft {
  const { replicas, update } = target.workload;
  const serving = sets.current.filter((pod) => availability(pod, target, context).available).length;
  const settling = combine(...sets.current.map((pod) => settle(pod, target, context)));
  const room = replicas + update.maxSurge - sets.current.length - sets.others.length;
  const created = missingReplicas(target, sets).slice(0, Math.max(0, sets.others.length === 0 ? replicas : room));
  const creation = combine(...created.map((replica) => createPod(target, replica, creationReason(sets))));
  if (serving >= replicas) {
    return combine(...sets.others.map((pod) => removePod(pod, 'replaced by a new version', context, graceOf(target))));
  }
  return combine(creation, settling, replacement(sets), retire(target, lastGood, sets.others, serving, context));
}

function replacement({ current, others }: PodSets): Draft {
  const [old] = others;
  return old === undefined
    ? nothing
    : waiting(old.key, `${others.length} old pods go as new ones become available (${current.length} made)`, null);
}

/** Removes as many old pods as the strategy lets go now; the rest of the last good version is kept up meanwhile. */
function retire(
  target: Version,
  lastGood: LastGood | null,
  others: readonly ObservedPod[],
  serving: number,
  context: PlanContext,
): Draft {
  const { replicas, update } = target.workload;
  const isKnown = (pod: ObservedPod): boolean => lastGood !== null && pod.identity === lastGood.version.identity;
  const isServing = (pod: ObservedPod): boolean =>
    lastGood !== null && isKnown(pod) ? availability(pod, lastGood.version, context).available : runs(pod);
  const old = [...others].sort((a, b) => b.replica - a.replica);
  let spare = serving + old.filter(isServing).length - (replicas - update.maxUnavailable);
  return combine(
    ...old.map((pod) => {
      if (isServing(pod) && spare > 0) {
        spare -= 1;
        return removePod(pod, 'replaced by a new version', context, graceOf(target));
      }
      if (lastGood !== null && isKnown(pod))
        return lastGood.verdict.decision === 'deny' ? nothing : keepPod(pod, lastGood.version, context);
      return isServing(pod) ? nothing : removePod(pod, 'an old version that does not run', context, graceOf(target));
    }),
  );
}

function runs(pod: ObservedPod): boolean {
  return (
    pod.state === 'ready' &&
    pod.containers.length > 0 &&
    pod.containers.every((container) => container.state === 'running')
  );
}

function missingReplicas(target: Version, sets: PodSets): readonly number[] {
  const present = new Set(sets.current.map((pod) => pod.replica));
  return Array.from({ length: target.workload.replicas }, (_, replica) => replica).filter(
    (replica) => !present.has(replica),
  );
}

function settle(pod: ObservedPod, target: Version, context: PlanContext): Draft {
  const { readyAt } = availability(pod, target, context);
  return readyAt === null ? nothing : waiting(pod.key, `pod ${pod.id} has to run a little longer`, readyAt);
}

function creationReason(sets: PodSets): string {
  return sets.others.length > 0 ? 'a new version' : 'wanted and not there';
}

function graceOf(version: Version): number {
  return version.workload.pod.terminationGracePeriodSeconds * 1_000;
}
