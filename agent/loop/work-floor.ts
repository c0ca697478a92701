import type { WorkloadKey } from '../../manifests/index.ts';
import { runSteps, type StepOutcome } from '../execute/run-steps.ts';
import { attemptKeyOf } from '../reconcile/draft.ts';
import { type Attempt, type AttemptHistory, nextAttempt } from '../reconcile/failure.ts';
import type { Step } from '../reconcile/plan.ts';

/**
 * Where steps are carried out: those of one workload in order, those of others beside them, so that a slow one holds up no
 * other. Images are fetched in a queue of their own: that may take long, and pods are kept up meanwhile.
 */
export interface WorkFloor {
  /** @returns the steps that can begin now: of queues at rest, and not of a version whose images are still to come. */
  ready(steps: readonly Step[]): readonly Step[];
  /** Carries out steps that are ready. @returns when they are over; never rejects. */
  start(steps: readonly Step[]): Promise<void>;
  /** Workloads whose pods are being changed. */
  busy(): ReadonlySet<WorkloadKey | ''>;
  history(): AttemptHistory;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface WorkFloorPorts {
  readonly execute: (step: Step) => Promise<void>;
  readonly now: () => number;
  /** Told what became of steps of one workload that were begun together. */
  readonly onOutcomes: (outcomes: readonly StepOutcome[]) => void;
  /** Called after each workload's steps ended: the node has changed. */
  readonly onChange: () => void;
}

type QueueName = 'pods' | 'images';

/** Versions come and go for years; what failed long ago need not be remembered. */
const LONGEST_HISTORY = 1_000;

/** Makes a work floor with nothing on it and no failures remembered. */
export function createWorkFloor(ports: WorkFloorPorts): WorkFloor {
  const running = { pods: new Map<string, Promise<void>>(), images: new Map<string, Promise<void>>() };
  const history = new Map<string, Attempt>();

  const work = async (queue: QueueName, workload: string, steps: readonly Step[]): Promise<void> => {
    const outcomes = await runSteps(steps, ports.execute);
    running[queue].delete(workload);
    remember(history, outcomes, ports.now());
    ports.onOutcomes(outcomes);
    ports.onChange();
  };

  return {
    ready: (steps) => {
      const awaited = new Map(
        steps.flatMap((step) => (step.kind === 'pull-image' ? [[step.workload, step.identity] as const] : [])),
      );
      return steps.filter(
        (step) => !running[queueOf(step)].has(step.workload) && !waitsForImages(step, awaited.get(step.workload)),
      );
    },
    start: async (steps) => {
      const groups = Map.groupBy(steps, (step) => `${queueOf(step)} ${step.workload}`);
      const begun = [...groups.values()].map((group) => {
        const [first] = group;
        if (first === undefined) return undefined;
        const done = work(queueOf(first), first.workload, group);
        running[queueOf(first)].set(first.workload, done);
        return done;
      });
      await Promise.all(begun);
    },
    busy: () => new Set(running.pods.keys()),
    history: () => Object.fromEntries(history),
    idle: async () => {
      await Promise.all([...running.pods.values(), ...running.images.values()]);
    },
  };
}

function queueOf(step: Step): QueueName {
  return step.kind === 'pull-image' ? 'images' : 'pods';
}

/** While the images of a version come, nothing is done for it or taken away for it; the pods of another are kept up. */
function waitsForImages(step: Step, awaited: string | undefined): boolean {
  if (awaited === undefined || step.kind === 'pull-image') return false;
  return !('identity' in step) || step.identity === awaited;
}

/** A version of which anything failed keeps its failure; the others have succeeded, and start anew. */
function remember(history: Map<string, Attempt>, outcomes: readonly StepOutcome[], now: number): void {
  const notDone = new Set(outcomes.filter(({ outcome }) => outcome !== 'done').map(({ step }) => attemptKeyOf(step)));
  for (const { step } of outcomes) if (!notDone.has(attemptKeyOf(step))) history.delete(attemptKeyOf(step));
  for (const outcome of outcomes) {
    if (outcome.outcome !== 'failed') continue;
    const key = attemptKeyOf(outcome.step);
    history.set(key, nextAttempt(history.get(key), outcome.failure, now));
  }
  const [oldest] = history.keys();
  if (history.size > LONGEST_HISTORY && oldest !== undefined) history.delete(oldest);
}
