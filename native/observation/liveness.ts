import { isAlive, type ProcessId } from '../process/process-id.ts';

/** Remembers which processes should be running, to notice cheaply that one is not. */
export interface Liveness {
  track(key: string, process: ProcessId): void;
  /** Forgets a key and everything below it (`key/...`). */
  forget(key: string): void;
  /** @returns whether one of them ended since the last time; it is then forgotten. */
  sweep(): Promise<boolean>;
}

/** @returns an empty memory. */
export function createLiveness(): Liveness {
  const expected = new Map<string, ProcessId>();
  return {
    track: (key, process) => {
      expected.set(key, process);
    },
    forget: (key) => {
      for (const known of expected.keys()) if (known === key || known.startsWith(`${key}/`)) expected.delete(known);
    },
    sweep: async () => {
      let hasEnded = false;
      for (const [key, process] of [...expected]) {
        if (await isAlive(process)) continue;
        if (expected.get(key) === process) expected.delete(key);
        hasEnded = true;
      }
      return hasEnded;
    },
  };
}
