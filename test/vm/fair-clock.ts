import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const NS_PER_MS = 1e6;

/** Time as a program feels it that shares its processors with others. */
export interface FairClock {
  /** @returns milliseconds since the clock was made, less what the program's threads waited for a processor. */
  now(): number;
}

/** What a fair clock is made of, all in milliseconds. */
export interface FairClockSources {
  /** Time as everyone has it, from any beginning. */
  readonly elapsed: () => number;
  /** How long each thread of the program has waited for a processor since it began, by thread; empty when it is gone. */
  readonly waits: () => ReadonlyMap<string, number>;
}

/**
 * Makes a clock that stands still while the process may not run: however busy the node is, a program that is told to
 * do something within a time by it has that time. Of several threads, the one that waited longest counts. The kernel
 * tells of a wait when it is over, so a long one is made up for later, by standing still.
 */
export function createFairClock({ elapsed, waits }: FairClockSources): FairClock {
  let fair = 0;
  let shown = 0;
  let last = { at: elapsed(), waits: waits() };
  return {
    now: () => {
      const current = { at: elapsed(), waits: waits() };
      const waited = [...current.waits].map(([thread, ms]) => ms - (last.waits.get(thread) ?? 0));
      fair += current.at - last.at - Math.max(0, ...waited);
      shown = Math.max(shown, fair);
      last = current;
      return shown;
    },
  };
}

/** @returns the clock of a process, by its id; once that is gone, it goes on as others do. */
export const fairClockOf = (pid: number): FairClock =>
  createFairClock({ elapsed: () => performance.now(), waits: () => waitsOf(pid) });

/**
 * How long the threads of a process have waited for a processor, after proc_pid_schedstat(5): time on a processor, time
 * waiting for one (both in ns), number of turns.
 * @returns milliseconds by thread; empty when there is no such process
 */
export function waitsOf(pid: number): ReadonlyMap<string, number> {
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
