/** Decides when to look at the node: when something happened, when something is due, and at least every so often. */
export interface Heartbeat {
  /** Look now; calls while a look is under way lead to one more after it. */
  beat(): void;
  /** Look at this time at the latest (milliseconds since the epoch). */
  beatAt(time: number): void;
  /** Looks now. @returns when that look and what it started are over. */
  beatAndSettle(): Promise<void>;
  stop(): Promise<void>;
}

export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly now: () => number;
  /** One look. Resolves when it is over, with a promise of the work it started. Never rejects. */
  readonly look: () => Promise<{ readonly settled: Promise<void> }>;
}

/** Makes a heartbeat that rests until its first beat. Looks never overlap. */
export function createHeartbeat({ intervalMs, now, look }: HeartbeatOptions): Heartbeat {
  let timer: NodeJS.Timeout | null = null;
  let current: Promise<unknown> = Promise.resolve();
  let isQueued = false;
  let isStopped = false;
  let dueAt = 0;

  const plan = (time: number): void => {
    if (isStopped || (timer !== null && dueAt <= time)) return;
    if (timer !== null) clearTimeout(timer);
    dueAt = time;
    timer = setTimeout(beat, Math.max(0, time - now()));
  };
  const run = async (): Promise<{ settled: Promise<void> }> => {
    isQueued = false;
    if (isStopped) return { settled: Promise.resolve() };
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const result = await look();
    plan(now() + intervalMs);
    return result;
  };
  const enqueue = (): Promise<{ settled: Promise<void> }> => {
    const next = current.then(run, run);
    current = next;
    return next;
  };
  const beat = (): void => {
    if (isQueued || isStopped) return;
    isQueued = true;
    void enqueue();
  };

  return {
    beat,
    beatAt: plan,
    beatAndSettle: async () => (await enqueue()).settled,
    stop: async () => {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
      await current;
    },
  };
}
