import { setTimeout as sleep } from 'node:timers/promises';

/** Slows work down to a number of bytes a second. */
export interface Pace {
  /** Waits until this many bytes more are in budget. @throws AbortError when the work is given up */
  spend(bytes: number): Promise<void>;
}

/** What may be spent at once after a pause, in seconds of the rate. */
const BURST_SECONDS = 0.25;

/**
 * Makes a pace. All that share one share its budget.
 * @param bytesPerSecond null for no limit.
 */
export function createPace(bytesPerSecond: number | null, signal?: AbortSignal): Pace {
  if (bytesPerSecond === null) return { spend: async () => signal?.throwIfAborted() };
  let freeAt = performance.now();
  return {
    spend: async (bytes) => {
      signal?.throwIfAborted();
      const now = performance.now();
      freeAt = Math.max(freeAt, now - BURST_SECONDS * 1000) + (bytes / bytesPerSecond) * 1000;
      const waitMs = freeAt - now;
      if (waitMs > 1) await sleep(waitMs, undefined, signal ? { signal } : {});
    },
  };
}
