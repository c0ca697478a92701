import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const NS_PER_MS = 1e6;

/** Time as a program feels it that shares its processors with others. */
export interface FairClock {
  /** @returns milliseconds since the clock was made, less what the program's threads waited for a processor. */
  now(): number;
}

/**
 * Makes a clock that stands still while the process may not run: however busy the node is, a program that is told to
 * do something within a time by it has that time. Of several threads, the one that waited longest counts.
 * @param pid whose; once it is gone, the clock goes on as others do.
 */
export function createFairClock(pid: number): FairClock {
  let fair = 0;
  let last = { at: performance.now(), waits: waitsOf(pid) };
  return {
    now: () => {
      const current = { at: performance.now(), waits: waitsOf(pid) };
      const waited = [...current.waits].map(([thread, ms]) => ms - (last.waits.get(thread) ?? 0));
      const elapsed = current.at - last.at;
      fair += Math.max(0, elapsed - Math.max(0, ...waited));
      last = current;
      return fair;
    },
  };
}

/** proc_pid_schedstat(5): time on a processor, time waiting for one (both in ns), number of turns. */
function waitsOf(pid: number): ReadonlyMap<string, number> {
  const tasks = join('/proc', String(pid), 'task');
  try {
    return new Map(
      readdirSync(tasks).map((thread) => {
        const [, waited] = readFileSync(join(tasks, thread, 'schedstat'), 'utf8').split(' ');
        return [thread, Number(waited) / NS_PER_MS];
      }),
    );
  } catch {
    return new Map();
  }
}
