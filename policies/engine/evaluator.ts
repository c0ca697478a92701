import type { Bundle } from '../bundle/bundle.ts';
import { PolicyError } from '../errors.ts';
import type { Outcome } from './outcome.ts';
import { type PolicyThread, startThread } from './policy-thread.ts';
import { readResult } from './read-result.ts';
import type { EvaluationAnswer, ThreadLost } from './thread-messages.ts';

/** Evaluates inputs one after the other in a thread that exists only while there is something to evaluate. */
export interface Evaluator {
  /** @param inputText JSON. Resolves whatever the policies do. */
  evaluate(inputText: string): Promise<Evaluation>;
  /** Ends the thread. What is still waiting fails. */
  close(): Promise<void>;
}

export interface Evaluation {
  readonly outcome: Outcome;
  /** Whether the same input would give the same again. Not so for a time-out or a lost thread. */
  readonly isRepeatable: boolean;
}

export interface EvaluatorLimits {
  /** Time for one evaluation. */
  readonly timeoutMs: number;
  /** Time without work after which the thread ends. */
  readonly idleMs: number;
}

/**
 * Starts the thread once, which proves the bundle usable, and keeps it for the evaluations that follow.
 * @throws PolicyError `wasm-unusable`
 */
export async function startEvaluator(bundle: Bundle, limits: EvaluatorLimits): Promise<Evaluator> {
  const first = await startThread(bundle);
  if (first.kind !== 'started') {
    throw new PolicyError('wasm-unusable', `the policy module of the bundle cannot be used: ${describeStart(first)}`);
  }
  let thread: PolicyThread | null = first.thread;
  let isClosed = false;
  let idle: NodeJS.Timeout | null = null;
  let lastInLine: Promise<unknown> = Promise.resolve();

  const endThread = async (): Promise<void> => {
    const ending = thread;
    thread = null;
    await ending?.end();
  };
  const restartIdleTimer = (): void => {
    clearTimeout(idle ?? undefined);
    idle = setTimeout(() => void endThread(), limits.idleMs).unref();
  };
  const evaluateNow = async (inputText: string): Promise<Evaluation> => {
    if (isClosed) return failed('engine-error', 'the policy engine was closed');
    clearTimeout(idle ?? undefined);
    if (!thread?.isAlive()) {
      const start = await startThread(bundle);
      if (start.kind !== 'started') return failed('engine-error', describeStart(start));
      thread = start.thread;
    }
    const answer = await thread.ask(inputText, { timeoutMs: limits.timeoutMs });
    // An instance whose policy threw may be left in any state: the next input gets a fresh one.
    if (answer.kind !== 'evaluated') await endThread();
    restartIdleTimer();
    return toEvaluation(answer, limits);
  };

  restartIdleTimer();
  return {
    evaluate: (inputText) => {
      const turn = lastInLine.then(() => evaluateNow(inputText));
      lastInLine = turn;
      return turn;
    },
    close: async () => {
      isClosed = true;
      await endThread();
      // One that was starting meanwhile.
      await lastInLine;
      await endThread();
      clearTimeout(idle ?? undefined);
    },
  };
}

function toEvaluation(answer: EvaluationAnswer | ThreadLost, { timeoutMs }: EvaluatorLimits): Evaluation {
  switch (answer.kind) {
    case 'evaluated':
      return { outcome: readResult(answer.resultSet), isRepeatable: true };
    case 'threw':
      return { ...failed('engine-error', answer.reason), isRepeatable: true };
    case 'died':
      return failed('engine-error', answer.reason);
    case 'timed-out':
      return failed('engine-timeout', `there was no answer within ${timeoutMs} ms`);
    default:
      return answer satisfies never;
  }
}

function failed(rule: 'engine-error' | 'engine-timeout', reason: string): Evaluation {
  return { outcome: { kind: 'failed', rule, reason }, isRepeatable: false };
}

function describeStart(start: { readonly kind: string; readonly reason?: string }): string {
  return start.reason ?? 'it did not load in time';
}
