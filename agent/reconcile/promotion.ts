import { availability } from './availability.ts';
import type { DesiredState, ObservedState, PlanContext, Version } from './state.ts';

/** @returns the wanted versions whose every replica is available now: they become the last good ones. */
export function provenVersions(
  desired: DesiredState,
  observed: ObservedState,
  context: PlanContext,
): readonly Version[] {
  return desired.workloads.flatMap(({ key, wanted, lastGood }) => {
    if (wanted.state !== 'judged' || wanted.verdict.decision === 'deny') return [];
    const { version } = wanted;
    if (lastGood !== null && isSame(lastGood.version, version)) return [];
    const serving = observed.pods.filter(
      (pod) => pod.key === key && pod.identity === version.identity && availability(pod, version, context).available,
    );
    return serving.length >= version.workload.replicas ? [version] : [];
  });
}

function isSame(a: Version, b: Version): boolean {
  return a.digest === b.digest && a.identity === b.identity;
}
