import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const INTERVAL_MS = 100;

/** A watch over the pack a fetch is writing. */
export interface PackWatch {
  /** Aborted once the pack is too large. */
  readonly signal: AbortSignal;
  /** Ends the watch and removes what an interrupted fetch left behind. */
  end(): Promise<void>;
}

/** Git has no limit of its own for the size of what a server sends, so the growing file is measured. */
export function watchPack(repository: string, limitBytes: number): PackWatch {
  const directory = join(repository, 'objects', 'pack');
  const controller = new AbortController();
  const timer = setInterval(async () => {
    const sizes = await Promise.all((await temporaryPacks(directory)).map(sizeOf));
    if (sizes.some((size) => size > limitBytes)) controller.abort();
  }, INTERVAL_MS);
  return {
    signal: controller.signal,
    end: async () => {
      clearInterval(timer);
      for (const path of await temporaryPacks(directory)) await rm(path, { force: true });
    },
  };
}

async function temporaryPacks(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => name.startsWith('tmp_')).map((name) => join(directory, name));
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (entry) => entry.size,
    () => 0,
  );
}
