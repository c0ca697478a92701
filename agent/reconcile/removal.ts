import type { WorkloadKey } from '../../manifests/index.ts';
import { backingOff, CLEANUP, combine, type Draft, nothing, steps, waiting } from './draft.ts';
import type { DesiredState, ObservedPod, ObservedState, PlanContext } from './state.ts';

const DEFAULT_GRACE_MS = 30_000;

/** Stops a pod gracefully and removes what is left of it. */
export function removePod(pod: ObservedPod, reason: string, context: PlanContext, graceMs = DEFAULT_GRACE_MS): Draft {
  const attempt = backingOff(pod.key, CLEANUP, context);
  if (attempt) return waiting(pod.key, `removal failed: ${attempt.failure.reason}`, attempt.retryAt);
  const remove = { kind: 'remove-pod', workload: pod.key, pod: pod.id, reason } as const;
  const isRunning = pod.containers.some((container) => container.state !== 'exited');
  if (!isRunning) return steps(remove);
  return steps({ kind: 'stop-pod', workload: pod.key, pod: pod.id, graceMs, reason }, remove);
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
  const attempt = backingOff('', CLEANUP, context);
  if (attempt) return waiting('', `removal failed: ${attempt.failure.reason}`, attempt.retryAt);
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
  return steps(...sandboxes, ...groups);
}
