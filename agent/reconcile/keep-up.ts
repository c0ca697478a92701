import { runs } from './availability.ts';
import { combine, type Draft } from './draft.ts';
import { ensureNetworks } from './networks/plan-networks.ts';
import { removePod } from './removal.ts';
import type { ObservedPod, ObservedState, PlanContext, Version } from './state.ts';
import { missingReplicas, pullImages, replacesFirst } from './update.ts';
import { createPod, keepPod } from './upkeep.ts';

/**
 * Keeps the last good version up while the wanted one cannot go on: it is not judged yet, or it just failed. Nothing that
 * runs is removed, so that an update goes on later where it was; pods are made only while fewer run than are wanted.
 */
export function keepUp(
  good: Version,
  pods: readonly ObservedPod[],
  observed: ObservedState,
  context: PlanContext,
): Draft {
  const { replicas } = good.workload;
  const own = pods.filter((pod) => pod.identity === good.identity && pod.replica < replicas);
  const others = pods.filter((pod) => pod.identity !== good.identity);
  const lacking = Math.max(0, replicas - own.length - others.filter(runs).length);
  const created = missingReplicas(good, own).slice(0, lacking);
  const creation = combine(
    ...created.map((replica) => createPod(good, replica, 'the new version cannot run', context)),
  );
  const isInTheWay = (pod: ObservedPod): boolean => replacesFirst(good) && created.length > 0 && !runs(pod);
  const removal = combine(...others.filter(isInTheWay).map((pod) => removePod(pod, 'it cannot run', context)));
  return combine(
    pullImages(good, observed),
    ensureNetworks(good, observed, context),
    ...own.map((pod) => keepPod(pod, good, context)),
    removal.waiting.length > 0 ? removal : combine(removal, creation),
  );
}
