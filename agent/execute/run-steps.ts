import type { Failure } from '../reconcile/failure.ts';
import type { Step } from '../reconcile/plan.ts';
import { toFailure } from './to-failure.ts';

/** What became of a step. */
export type StepOutcome =
  | { readonly outcome: 'done'; readonly step: Step }
  | { readonly outcome: 'failed'; readonly step: Step; readonly failure: Failure }
  | { readonly outcome: 'skipped'; readonly step: Step; readonly reason: string };

/**
 * Runs the steps of one workload in order and stops at the first that fails: what follows depends on it and is planned anew.
 * This is one of the two places where adapter errors are caught.
 * @returns what became of each step; never rejects.
 */
export async function runSteps(
  steps: readonly Step[],
  execute: (step: Step) => Promise<void>,
): Promise<readonly StepOutcome[]> {
  const outcomes: StepOutcome[] = [];
  let failed: Step | null = null;
  for (const step of steps) {
    const outcome: StepOutcome =
      failed === null
        ? await runStep(step, execute)
        : { outcome: 'skipped', step, reason: `${failed.kind} failed before it` };
    if (outcome.outcome === 'failed') failed = step;
    outcomes.push(outcome);
  }
  return outcomes;
}

async function runStep(step: Step, execute: (step: Step) => Promise<void>): Promise<StepOutcome> {
  try {
    await execute(step);
    return { outcome: 'done', step };
  } catch (error) {
    return { outcome: 'failed', step, failure: toFailure(error) };
  }
}
