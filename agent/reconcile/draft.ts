import type { WorkloadKey } from '../../manifests/index.ts';
import { type Attempt, attemptKey } from './failure.ts';
import type { Blocked, Step, Waiting } from './plan.ts';
import type { PlanContext } from './state.ts';

/** A part of a plan in the making. */
export interface Draft {
  readonly steps: readonly Step[];
  readonly blocked: readonly Blocked[];
  readonly waiting: readonly Waiting[];
}

/** @returns one draft with everything of several, in order. */
export function combine(...drafts: readonly Draft[]): Draft {
  return {
    steps: drafts.flatMap((draft) => draft.steps),
    blocked: drafts.flatMap((draft) => draft.blocked),
    waiting: drafts.flatMap((draft) => draft.waiting),
  };
}

/** @returns a draft that does these steps, in order. */
export function steps(...list: readonly Step[]): Draft {
  return { steps: list, blocked: [], waiting: [] };
}

/** @returns a draft that says what is in the way. */
export function blocked(entry: Blocked): Draft {
  return { steps: [], blocked: [entry], waiting: [] };
}

/** @param until when to look again, milliseconds since the epoch; null when an event will tell. */
export function waiting(workload: WorkloadKey, reason: string, until: number | null): Draft {
  return { steps: [], blocked: [], waiting: [{ workload, reason, until }] };
}

export const nothing: Draft = { steps: [], blocked: [], waiting: [] };

/** Identity under which failed removals are remembered: they belong to no version. */
export const CLEANUP = 'cleanup';

/** @returns the failed attempt that is still backing off, or null when it may be tried now. */
export function backingOff(workload: WorkloadKey | '', identity: string, context: PlanContext): Attempt | null {
  const attempt = context.history[attemptKey(workload, identity)];
  return attempt && attempt.retryAt > context.now ? attempt : null;
}

/** @returns the key under which the outcome of a step is remembered. */
export function attemptKeyOf(step: Step): string {
  return attemptKey(step.workload, 'identity' in step ? step.identity : CLEANUP);
}
