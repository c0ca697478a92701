/**
 * Why a step could not be done, carrying the decision with it: `transient` may pass by itself and is retried with back-off,
 * `waiting` depends on something else that is under way, `stalled` needs a person (a commit, a file on the node).
 */
export interface Failure {
  readonly kind: 'transient' | 'waiting' | 'stalled';
  /** Closed code of the adapter that failed, such as `digest-mismatch`. */
  readonly code: string;
  readonly reason: string;
}

/** Failures of one version of one workload so far, and when it may be tried again (milliseconds since the epoch). */
export interface Attempt {
  readonly failures: number;
  readonly retryAt: number;
  readonly failure: Failure;
}

/** By {@link attemptKey}. Forgotten on success; kept in memory only, since a restart may well try again at once. */
export type AttemptHistory = Readonly<Record<string, Attempt>>;

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 300_000;

/** @returns the key under which attempts at one version of a workload are remembered. */
export function attemptKey(workload: string, identity: string): string {
  return `${workload}@${identity}`;
}

/** @returns the attempt after one more failure: 1 s, 2 s, 4 s … up to 5 min; a stalled one waits the longest at once. */
export function nextAttempt(previous: Attempt | undefined, failure: Failure, now: number): Attempt {
  const failures = (previous?.failures ?? 0) + 1;
  const delayMs =
    failure.kind === 'stalled' ? LONGEST_RETRY_MS : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  return { failures, retryAt: now + delayMs, failure };
}
