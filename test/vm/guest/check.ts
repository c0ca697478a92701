import { setTimeout as sleep } from 'node:timers/promises';
import { tellHost } from './host-line.ts';

const LOOK_MS = 250;

/** Checks that run in order, each told to the host. */
export interface Suite {
  /** Runs one check; it fails when `body` throws. */
  check(name: string, body: () => Promise<void>): Promise<void>;
}

/** Runs a suite. A failed check ends it: the host has been told, so that is no error here. */
export async function runSuite(name: string, body: (suite: Suite) => Promise<void>): Promise<void> {
  let hasFailed = false;
  const suite: Suite = {
    check: (what, run) =>
      check(name, what, run).catch((error: unknown) => {
        hasFailed = true;
        throw error;
      }),
  };
  await body(suite).catch((error: unknown) => {
    if (!hasFailed) throw error;
  });
}

async function check(suite: string, name: string, body: () => Promise<void>): Promise<void> {
  const startedAt = Date.now();
  const tell = (detail: string): void =>
    tellHost({ type: 'check', suite, name, isPassed: detail === '', durationMs: Date.now() - startedAt, detail });
  try {
    await body();
  } catch (error) {
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    throw error;
  }
  tell('');
}

/**
 * Waits until `read`, asked every `lookMs`, answers something else than null, and gives it. Counts looks, not time: a machine that is held up,
 * or busy with what is waited for, looks more slowly and so waits longer.
 * @throws when it has not after as many looks as an idle machine would make in `patienceMs`
 */
export async function until<T>(
  what: string,
  patienceMs: number,
  read: () => Promise<T | null>,
  lookMs = LOOK_MS,
): Promise<T> {
  for (let looks = 0; looks * lookMs <= patienceMs; looks += 1) {
    const value = await read();
    if (value !== null) return value;
    await sleep(lookMs);
  }
  throw new Error(`not within ${patienceMs} ms of looking: ${what}`);
}
