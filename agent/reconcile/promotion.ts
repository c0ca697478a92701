import { availability } from './availability.ts';
import type { DesiredState, LastGood, ObservedState, PlanContext, Version } from './state.ts';

/** @returns the wanted versions whose every replica is available now, as judged: they become the last good ones. */
export function provenVersions(
  desired: DesiredState,
  observed: ObservedState,
  context: PlanContext,
): readonly LastGood[] {
  return desired.workloads.flatMap(({ key, wanted, lastGood }) => {
    if (wanted.state !== 'judged' || wanted.verdict.decision === 'deny') return [];
    const { version, verdict } = wanted;
    if (lastGood !== null && isSame(lastGood.version, version)) return [];
    const serving = observed.pods.filter(
      (pod) =>
        pod.key === key &&
        pod.identity === version.identity &&
        pod.replica < version.workload.replicas &&
        availability(pod, version, context).available,
    );
    return serving.length === version.workload.replicas ? [{ version, verdict }] : [];
  });
}

function isSame(a: Version, b: Version): boolean {
  return a.digest === b.digest && a.identity === b.identity && a.inputs.files === b.inputs.files;
}
