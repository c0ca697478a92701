/** Decides when to look at the node: when something happened, when something is due, and at least every so often. */
export interface Heartbeat {
  /** Look now; calls while a look is under way lead to one more after it. */
  beat(): void;
  /** Look at this time at the latest (milliseconds since the epoch). */
  beatAt(time: number): void;
  /** Looks now, for somebody who waits. Resolves when that look is over, with a promise of the work it started. */
  lookNow(): Promise<Look>;
  /** No look begins after this. Resolves when the one under way is over. */
  stop(): Promise<void>;
}

/** What a look led to. `settled` resolves when that is over. */
export interface Look {
  readonly settled: Promise<void>;
}

/** Why a look is made: the node may have changed, or somebody waits for what comes of it. */
export type LookCause = 'beat' | 'asked';

export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly now: () => number;
  /** One look. Never rejects. */
  readonly look: (cause: LookCause) => Promise<Look>;
}

/** Makes a heartbeat that rests until its first beat. Looks never overlap. */
export function createHeartbeat({ intervalMs, now, look }: HeartbeatOptions): Heartbeat {
  let timer: NodeJS.Timeout | null = null;
  let current: Promise<unknown> = Promise.resolve();
  let isQueued = false;
  let isStopped = false;
  let dueAt = 0;

  const plan = (time: number): void => {
    // A look comes after the interval in any case, and a timer cannot wait for longer than 24 days.
    const due = Math.min(time, now() + intervalMs);
    if (isStopped || (timer !== null && dueAt <= due)) return;
    if (timer !== null) clearTimeout(timer);
    dueAt = due;
    timer = setTimeout(beat, Math.max(0, due - now()));
  };
  const run = async (cause: LookCause): Promise<Look> => {
    if (isStopped) return { settled: Promise.resolve() };
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const result = await look(cause);
    plan(now() + intervalMs);
    return result;
  };
  const enqueue = (cause: LookCause): Promise<Look> => {
    const next = current.then(() => {
      isQueued = false;
      return run(cause);
    });
    current = next;
    return next;
  };
  const beat = (): void => {
    if (isQueued || isStopped) return;
    isQueued = true;
    void enqueue('beat');
  };

  return {
    beat,
    beatAt: plan,
    lookNow: () => enqueue('asked'),
    stop: async () => {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
      await current;
    },
  };
}
