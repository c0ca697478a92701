import { findContainer, hasCompleted, isComplete, startOrder } from './start-order.ts';
import type { ObservedPod, PlanContext, PodContainer, Version } from './state.ts';

/** Runs of at least this long make a restart start over at the shortest back-off (as kubelet does). */
const LONG_RUN_MS = 600_000;
const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 300_000;

/** When a pod counts towards the replicas that serve; `readyAt` is set when only time is missing. */
export type Availability = { readonly available: boolean; readonly readyAt: number | null };

/**
 * A pod is available once every main container has run without a break for the settling time, or has completed with status
 * 0, and its sidecars run as long as they are needed.
 */
export function availability(pod: ObservedPod, version: Version, context: PlanContext): Availability {
  const minimumMs = Math.max(version.workload.update.minReadySeconds * 1_000, context.settleMs);
  const isOver = hasCompleted(pod, version);
  let readyAt: number | null = null;
  if (pod.state === 'dead') return { available: false, readyAt: null };
  for (const { container, role } of startOrder(version.workload.pod)) {
    if (role === 'init' || (role === 'sidecar' && isOver)) continue;
    const found = findContainer(pod, container.name);
    if (found?.exit?.code === 0 && isComplete(found, role, version)) continue;
    if (found?.state !== 'running') return { available: false, readyAt: null };
    const settledAt = found.startedAt + minimumMs;
    if (settledAt > context.now) readyAt = Math.max(readyAt ?? 0, settledAt);
  }
  return { available: readyAt === null, readyAt };
}

/** @returns whether a pod does what it can: what it has runs, or has ended well, be it of a version that is known or not. */
export function runs(pod: ObservedPod): boolean {
  return (
    pod.state === 'ready' &&
    pod.containers.some((container) => container.state === 'running') &&
    pod.containers.every((container) => container.state === 'running' || container.exit?.code === 0)
  );
}

/** When a finished container may start again, and how many crashes in a row that makes. */
export interface Restart {
  readonly at: number;
  readonly crashes: number;
}

/** First restart at once, then 10 s, 20 s, 40 s … up to 5 min; a run of 10 min starts the series over (as kubelet does). */
export function nextRestart(container: PodContainer): Restart {
  const finishedAt = container.exit?.finishedAt ?? container.startedAt;
  const previous = finishedAt - container.startedAt >= LONG_RUN_MS ? 0 : container.crashes;
  const delayMs = previous === 0 ? 0 : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (previous - 1));
  return { at: finishedAt + delayMs, crashes: previous + 1 };
}
