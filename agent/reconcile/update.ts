import { availability, runs } from './availability.ts';
import { backingOff, combine, type Draft, nothing, steps, waiting } from './draft.ts';
import { takesHostPorts } from './networks/networking.ts';
import { ensureNetworks } from './networks/plan-networks.ts';
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
  const isRecreate = replacesFirst(target);
  return combine(
    pullImages(target, observed),
    ensureNetworks(target, observed, context),
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

/** Fetches the images of a version that are not complete on disk. */
export function pullImages(version: Version, observed: ObservedState): Draft {
  const key = `${version.workload.namespace}/${version.workload.name}`;
  const missing = Object.entries(version.images).filter(([, image]) => !observed.images.has(image.digest));
  return steps(
    ...missing.map(
      ([reference, image]): Step => ({
        kind: 'pull-image',
        workload: key,
        reference,
        digest: image.digest,
        identity: version.identity,
        reason: 'not on this node',
      }),
    ),
  );
}

/** @returns the replica numbers of a version that none of its pods has, lowest first. */
export function missingReplicas(version: Version, pods: readonly ObservedPod[]): readonly number[] {
  const present = new Set(pods.map((pod) => pod.replica));
  return Array.from({ length: version.workload.replicas }, (_, replica) => replica).filter(
    (replica) => !present.has(replica),
  );
}

/** @returns whether old pods of a workload go before new ones come: it says so, or they need the same port of the node. */
export function replacesFirst(version: Version): boolean {
  return version.workload.update.type === 'Recreate' || takesHostPorts(version);
}

function recreate(target: Version, sets: PodSets, context: PlanContext): Draft {
  const reason = takesHostPorts(target)
    ? 'replaced by a new version, which needs its port of the node'
    : 'replaced by a new version';
  const removal = combine(...sets.others.map((pod) => removePod(pod, reason, context)));
  const creation = combine(
    ...missingReplicas(target, sets.current).map((replica) =>
      createPod(target, replica, creationReason(sets), context),
    ),
  );
  // Old and new never run beside each other: what cannot go yet is waited for.
  const exchange = removal.waiting.length > 0 ? removal : combine(removal, creation);
  return combine(exchange, ...sets.current.map((pod) => settle(pod, target, context)));
}

function roll(target: Version, lastGood: LastGood | null, sets: PodSets, context: PlanContext): Draft {
  const { replicas, update } = target.workload;
  const serving = sets.current.filter((pod) => availability(pod, target, context).available).length;
  const settling = combine(...sets.current.map((pod) => settle(pod, target, context)));
  const room = replicas + update.maxSurge - sets.current.length - sets.others.length;
  const created = missingReplicas(target, sets.current).slice(
    0,
    Math.max(0, sets.others.length === 0 ? replicas : room),
  );
  const creation = combine(...created.map((replica) => createPod(target, replica, creationReason(sets), context)));
  if (serving >= replicas) {
    return combine(...sets.others.map((pod) => removePod(pod, 'replaced by a new version', context)));
  }
  return combine(creation, settling, replacement(sets), retire(target, lastGood, sets.others, serving, context));
}

function replacement({ current, others }: PodSets): Draft {
  const [old] = others;
  return old === undefined
    ? nothing
    : waiting(old.key, `${others.length} old pods go as new ones become available (${current.length} made)`, null);
}

/**
 * Removes as many old pods as the strategy lets go now, those that do not serve first: they are no loss, and their places
 * are needed. The rest of the last good version is kept up meanwhile.
 */
function retire(
  target: Version,
  lastGood: LastGood | null,
  others: readonly ObservedPod[],
  serving: number,
  context: PlanContext,
): Draft {
  const least = target.workload.replicas - target.workload.update.maxUnavailable;
  const isKnown = (pod: ObservedPod): boolean => pod.identity === lastGood?.version.identity;
  const isServing = (pod: ObservedPod): boolean =>
    lastGood !== null && isKnown(pod) ? availability(pod, lastGood.version, context).available : runs(pod);
  const old = [...others].sort((a, b) => b.replica - a.replica);
  const healthy = old.filter(isServing);
  const idle = old.filter((pod) => !isServing(pod));
  const leaving = new Set([
    ...healthy.slice(0, Math.max(0, serving + healthy.length - least)),
    ...idle.filter((pod, index) => !isKnown(pod) || index < serving + old.length - least),
  ]);
  return combine(
    ...old.map((pod) =>
      leaving.has(pod) ? removePod(pod, 'replaced by a new version', context) : keepOld(pod, lastGood, context),
    ),
  );
}

function keepOld(pod: ObservedPod, lastGood: LastGood | null, context: PlanContext): Draft {
  if (lastGood === null || pod.identity !== lastGood.version.identity) return nothing;
  const { version, verdict } = lastGood;
  if (verdict.decision === 'deny' || backingOff(pod.key, version.identity, context) !== null) return nothing;
  return keepPod(pod, version, context);
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
