import { setTimeout as sleep } from 'node:timers/promises';
import { tellHost } from './host-line.ts';

const POLL_MS = 250;

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

/** Waits until `read` answers something else than null, false or undefined, and gives it. @throws after `timeoutMs`. */
export async function until<T>(what: string, timeoutMs: number, read: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== null) return value;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
