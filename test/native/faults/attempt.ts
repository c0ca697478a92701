import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../../world/patience.ts';
import type { Injector, ShimCall } from './injector.ts';

/** What became of an operation. */
export type Outcome =
  | { readonly state: 'done'; readonly portrait: Readonly<Record<string, unknown>> | null }
  | { readonly state: 'failed'; readonly error: unknown };

export interface Attempt {
  readonly start: Outcome;
  /** Of stopping it, when it had started. */
  readonly stop: Outcome | null;
  readonly exit: unknown;
  /** What it left behind. */
  readonly left: readonly string[];
  /** Every call of its shim. */
  readonly calls: readonly ShimCall[];
}

/** A call that is made to fail. */
export interface Fault {
  readonly at: ShimCall;
  readonly errno: number;
}

/** What is started with a fault, and ended. */
export interface Operations {
  start(): Promise<void>;
  /** @returns what it is by now, to be compared with what it is without a fault. */
  portrait(): Promise<Readonly<Record<string, unknown>> | null>;
  stop(): Promise<unknown>;
  /** Also after a start that failed, when `isRemovedAnyway`. */
  remove(): Promise<void>;
  readonly isRemovedAnyway: boolean;
  /** @returns what is there of it now. */
  traces(): Promise<readonly string[]>;
}

const PATIENCE_MS = patience(20_000);

/** Starts and ends something once. @throws when a step of it hangs, with the call that failed. */
export async function attemptWith(injector: Injector, fault: Fault | null, operations: Operations): Promise<Attempt> {
  const inTime = <Result>(what: string, step: () => Promise<Result>): Promise<Result> => inBounds(what, fault, step);
  const before = await operations.traces();
  await injector.arm(fault);
  const start = await outcomeOf(() =>
    inTime('start', async () => {
      await operations.start();
      return operations.portrait();
    }),
  );
  let exit: unknown = null;
  const stop =
    start.state === 'failed'
      ? null
      : await outcomeOf(() =>
          inTime('stop', async () => {
            exit = await operations.stop();
            return null;
          }),
        );
  if (start.state === 'done' || operations.isRemovedAnyway) await inTime('remove', operations.remove);
  const calls = await inTime('the end of its processes', injector.calls);
  // A process that has ended is listed in its cgroup until it is reaped.
  const left = await settled(async () => (await operations.traces()).filter((trace) => !before.includes(trace)));
  return { start, stop, exit, left, calls };
}

/** A step that never came to its end. */
class Hang extends Error {}

async function inBounds<Result>(what: string, fault: Fault | null, step: () => Promise<Result>): Promise<Result> {
  const waited = new AbortController();
  const late = sleep(PATIENCE_MS, null, { signal: waited.signal }).then(() => {
    const call = fault === null ? 'no call' : `${fault.at.name} ${fault.at.nth} of process ${fault.at.process}`;
    throw new Hang(`${what} hangs for ${PATIENCE_MS} ms when ${call} fails`);
  });
  try {
    return await Promise.race([step(), late]);
  } finally {
    waited.abort();
    late.catch(() => undefined);
  }
}

/** Asks for a while until nothing is left. */
async function settled(ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
  for (let tries = 0; ; tries += 1) {
    const left = await ask();
    if (left.length === 0 || tries === 50) return left;
    await sleep(10);
  }
}

async function outcomeOf(run: () => Promise<Readonly<Record<string, unknown>> | null>): Promise<Outcome> {
  try {
    return { state: 'done', portrait: await run() };
  } catch (error) {
    if (error instanceof Hang) throw error;
    return { state: 'failed', error };
  }
}
