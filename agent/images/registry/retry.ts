import { setTimeout as sleep } from 'node:timers/promises';
import { ImageError, type ImageErrorCode } from '../image-source.ts';

/** How often a failed request is made again, and the first wait; each further wait is twice as long. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly delayMs: number;
}

/** Longest wait. A registry that asks for more is left alone, and whoever wants the image comes back later. */
const LONGEST_WAIT_MS = 30_000;

/** A registry that is overloaded and may have said when to come back. */
export class RegistryBusyError extends ImageError {
  readonly retryAfterMs: number | null;

  constructor(reference: string, message: string, retryAfterMs: number | null) {
    super('unreachable', reference, message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Runs an operation until it succeeds, fails for good, or has failed `attempts` times. @throws its last error */
export async function withRetries<T>(policy: RetryPolicy, operation: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (!isWorthRetrying(error) || attempt >= policy.attempts) throw error;
      await pauseBeforeRetry(policy, attempt, error);
    }
  }
}

/** @returns whether a failure may pass by itself, and soon. */
export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof RegistryBusyError && (error.retryAfterMs ?? 0) > LONGEST_WAIT_MS) return false;
  const passing: readonly ImageErrorCode[] = ['unreachable', 'interrupted'];
  return passing.includes((error as Partial<ImageError>).code as ImageErrorCode);
}

/** Waits before attempt `attempt + 1`: what the registry asked for, else twice as long each time, with jitter. */
export async function pauseBeforeRetry(policy: RetryPolicy, attempt: number, error: unknown): Promise<void> {
  const asked = error instanceof RegistryBusyError ? error.retryAfterMs : null;
  const backOffMs = policy.delayMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
  await sleep(Math.min(asked ?? backOffMs, LONGEST_WAIT_MS));
}
