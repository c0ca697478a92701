import type { WorkloadKey } from '../../manifests/index.ts';
import { backingOff, CLEANUP, combine, type Draft, nothing, steps, waiting } from './draft.ts';
import type { DesiredState, ObservedPod, ObservedState, PlanContext } from './state.ts';

/** Stops a pod gracefully and removes what is left of it. */
export function removePod(pod: ObservedPod, reason: string, context: PlanContext, graceMs = pod.graceMs): Draft {
  const remove = { kind: 'remove-pod', workload: pod.key, pod: pod.id, reason } as const;
  const stop = { kind: 'stop-pod', workload: pod.key, pod: pod.id, graceMs, reason } as const;
  const isRunning = pod.containers.some((container) => container.state !== 'exited');
  return unlessRemovalFailed(pod.key, context, isRunning ? steps(stop, remove) : steps(remove));
}

/** @returns the draft, or the wait for its time when a removal of this workload failed a moment ago. */
export function unlessRemovalFailed(workload: WorkloadKey | '', context: PlanContext, draft: Draft): Draft {
  const attempt = backingOff(workload, CLEANUP, context);
  return attempt ? waiting(workload, `removal failed: ${attempt.failure.reason}`, attempt.retryAt) : draft;
}

/** Removes what this node made and Git no longer asks for, and what somebody else put into our tree. */
export function planStrays(desired: DesiredState, observed: ObservedState, context: PlanContext): Draft {
  const keys = new Set<WorkloadKey>(desired.workloads.map((workload) => workload.key));
  const pruned = observed.pods
    .filter((pod) => !keys.has(pod.key))
    .map((pod) => removePod(pod, 'not in Git any more', context));
  return combine(...pruned, planStrangers(observed, context));
}

function planStrangers(observed: ObservedState, context: PlanContext): Draft {
  if (observed.unlabelled.length + observed.strangers.length === 0) return nothing;
  const sandboxes = observed.unlabelled.map(
    (pod) => ({ kind: 'remove-pod', workload: '', pod, reason: 'its labels name no workload' }) as const,
  );
  const groups = observed.strangers.map(
    ({ id, pids }) =>
      ({
        kind: 'remove-stranger',
        workload: '',
        id,
        reason: `not made by this agent (${pids.length} processes)`,
      }) as const,
  );
  return unlessRemovalFailed('', context, steps(...sandboxes, ...groups));
}
