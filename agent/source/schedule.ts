import { schedule, validateDetailed } from 'node-cron';
import { SourceError } from './source.ts';

export interface PollScheduleOptions {
  /** Cron expression of five fields, or of six when it starts with seconds. */
  readonly cron: string;
  /** This node polls up to this long after the time of the expression, always by the same amount. */
  readonly jitterMs: number;
  /** A number in [0, 1): which part of the jitter is this node's, and the spread of its retries. */
  readonly random: () => number;
  /** One poll. A rejection counts as a failure and delays the next one; reporting it is up to the poll. */
  readonly onDue: () => Promise<unknown>;
}

export interface PollSchedule {
  /** Polls at once, back-off or not; after the poll under way, if there is one. */
  trigger(): void;
  /** No poll begins after this. The one under way goes on. */
  stop(): void;
}

/**
 * Polls by a cron expression, one poll at a time, with exponential back-off after failures.
 * @throws SourceError `misconfigured` for an expression that is none.
 */
export function createPollSchedule(options: PollScheduleOptions): PollSchedule {
  checkCron(options.cron);
  const offsetMs = Math.floor(options.random() * options.jitterMs);
  let timer: NodeJS.Timeout | null = null;
  let failures = 0;
  let isPolling = false;
  let isAskedAgain = false;
  let isStopped = false;

  const pollAfter = (delayMs: number): void => {
    timer ??= setTimeout(due, delayMs);
  };
  const due = async (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (isStopped) return;
    if (isPolling) {
      isAskedAgain = true;
      return;
    }
    isPolling = true;
    failures = await options.onDue().then(
      () => 0,
      () => failures + 1,
    );
    isPolling = false;
    if (isStopped) return;
    if (isAskedAgain) {
      isAskedAgain = false;
      void due();
    } else if (failures > 0) {
      pollAfter(nextDelay({ failures, random: options.random() }));
    }
  };
  // While a poll runs or a retry is due, the expression has no say: it must not cut the back-off short.
  const onTick = (): void => {
    if (!isPolling && failures === 0) pollAfter(offsetMs);
  };
  const task = schedule(options.cron, onTick, { suppressMissedWarning: true });
  return {
    trigger: () => void due(),
    stop: () => {
      isStopped = true;
      void task.destroy();
      if (timer) clearTimeout(timer);
    },
  };
}

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 15 * 60_000;

/**
 * How long to wait after so many failures in a row: 5 s doubled each time, at most 15 min, less up to a half at random,
 * so that a fleet that lost its server does not return as one.
 * @param options random: in [0, 1).
 * @returns milliseconds.
 */
export function nextDelay(options: { readonly failures: number; readonly random: number }): number {
  const doubled = FIRST_RETRY_MS * 2 ** Math.max(0, options.failures - 1);
  return Math.round(Math.min(doubled, LONGEST_RETRY_MS) * (1 - options.random / 2));
}

function checkCron(cron: string): void {
  const { valid, errors } = validateDetailed(cron);
  if (valid) return;
  const [first] = errors;
  const why = first ? `${first.field}: ${first.message}` : 'it has no five or six fields';
  throw new SourceError(
    'misconfigured',
    `source.cron "${cron}" is not a cron expression (${why}); every 30 seconds is "*/30 * * * * *"`,
  );
}
