import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of the test's own, mode 0700, gone when `remove` resolves. */
export interface TempDir {
  readonly path: string;
  remove(): Promise<void>;
}

/** Makes an empty directory for one test. The name starts with `holdfast-test-`, which the leak check looks for. */
export async function makeTempDir(): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
