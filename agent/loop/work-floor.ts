import type { WorkloadKey } from '../../manifests/index.ts';
import { runSteps, type StepOutcome } from '../execute/run-steps.ts';
import { attemptKeyOf } from '../reconcile/draft.ts';
import { type Attempt, type AttemptHistory, nextAttempt } from '../reconcile/failure.ts';
import type { Plan, Step } from '../reconcile/plan.ts';

/** Where the steps of a plan are carried out: one queue for each workload, so that a slow one never holds up the others. */
export interface WorkFloor {
  /** Starts the steps of every workload that is not being worked on. @returns when those are over. */
  start(plan: Plan): Promise<void>;
  isBusy(workload: WorkloadKey | ''): boolean;
  busy(): ReadonlySet<string>;
  history(): AttemptHistory;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface WorkFloorPorts {
  readonly execute: (step: Step) => Promise<void>;
  readonly now: () => number;
  readonly onOutcome: (outcome: StepOutcome) => void;
  /** Called after each workload's steps ended: the node has changed. */
  readonly onChange: () => void;
}

/** Versions come and go for years; what failed long ago need not be remembered. */
const LONGEST_HISTORY = 1_000;

function forgetOldest(history: Map<string, Attempt>): void {
  const [oldest] = history.keys();
  if (history.size > LONGEST_HISTORY && oldest !== undefined) history.delete(oldest);
}

/** Makes a work floor with nothing on it and no failures remembered. */
export function createWorkFloor(ports: WorkFloorPorts): WorkFloor {
  const running = new Map<string, Promise<void>>();
  const history = new Map<string, Attempt>();

  const remember = (outcome: StepOutcome): void => {
    const key = attemptKeyOf(outcome.step);
    if (outcome.outcome === 'failed') {
      history.set(key, nextAttempt(history.get(key), outcome.failure, ports.now()));
      forgetOldest(history);
    }
    ports.onOutcome(outcome);
  };

  const work = async (workload: string, steps: readonly Step[]): Promise<void> => {
    const outcomes = await runSteps(steps, ports.execute, remember);
    running.delete(workload);
    const failed = new Set(outcomes.filter(({ outcome }) => outcome !== 'done').map(({ step }) => attemptKeyOf(step)));
    for (const { step } of outcomes) if (!failed.has(attemptKeyOf(step))) history.delete(attemptKeyOf(step));
    ports.onChange();
  };

  return {
    start: async (plan) => {
      const groups = Map.groupBy(plan.steps, (step) => step.workload);
      const started = [...groups].filter(([workload]) => !running.has(workload));
      for (const [workload, steps] of started) running.set(workload, work(workload, steps));
      await Promise.all(started.map(([workload]) => running.get(workload)));
    },
    isBusy: (workload) => running.has(workload),
    busy: () => new Set(running.keys()),
    history: () => Object.fromEntries(history),
    idle: async () => {
      await Promise.all(running.values());
    },
  };
}
