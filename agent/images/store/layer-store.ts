import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectory, syncDirectory } from '../../../native/index.ts';
import { hexOf } from '../digest.ts';
import type { StorePaths } from './store-paths.ts';

/** Unpacked layers by diffID. One that is there is whole: it was on disk before it got its name. */
export interface LayerStore {
  has(diffId: string): Promise<boolean>;
  /** @param unpack fills an empty directory. Two callers of one layer share the work. */
  add(diffId: string, unpack: (directory: string) => Promise<void>): Promise<void>;
  remove(diffId: string): Promise<void>;
}

/** Makes the layer store over its directory, which must be there and on one file system with the temporary one. */
export function createLayerStore(paths: StorePaths): LayerStore {
  const underWay = new Map<string, Promise<void>>();
  // Asked at every look at the node: a trip through the thread pool would cost as much as the rest of that.
  const has = async (diffId: string): Promise<boolean> => existsSync(paths.layer(diffId));
  return {
    has,
    add: async (diffId, unpack) => {
      const shared = underWay.get(diffId);
      if (shared) return shared;
      const work = has(diffId).then((isThere) => (isThere ? undefined : unpackInto(paths, diffId, unpack)));
      underWay.set(diffId, work);
      await work.finally(() => underWay.delete(diffId));
    },
    remove: async (diffId) => {
      const doomed = await mkdtemp(join(paths.temporary, 'removed-'));
      await rename(paths.layer(diffId), join(doomed, hexOf(diffId))).catch(ignoreMissing);
      await syncDirectory(paths.layers);
      await rm(doomed, { recursive: true, force: true });
    },
  };
}

async function unpackInto(
  paths: StorePaths,
  diffId: string,
  unpack: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(paths.temporary, 'layer-'));
  try {
    await unpack(directory);
    await syncFileSystem(directory);
    await rename(directory, paths.layer(diffId));
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(paths.layers);
}

async function syncFileSystem(directory: string): Promise<void> {
  const root = openDirectory(directory);
  try {
    await root.sync();
  } finally {
    root.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
