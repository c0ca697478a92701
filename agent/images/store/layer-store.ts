import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openDirectory, removeTree, syncDirectory } from '../../../native/index.ts';
import { hexOf } from '../digest.ts';
import type { LayerPlace } from './layer-place.ts';
import { sealLayer } from './seal-layer.ts';
import type { StorePaths } from './store-paths.ts';

/** A changed layer that was set aside. */
export interface RetiredLayer {
  readonly diffId: string;
  readonly path: string;
  /** Milliseconds since the epoch. Containers started later run on another copy. */
  readonly retiredAt: number;
}

/** Unpacked layers by diffID. One that is there is whole: it was on disk before it got its name. */
export interface LayerStore {
  has(diffId: string): Promise<boolean>;
  /** @param unpack fills an empty directory and writes its inventory. Two callers of one layer share the work. */
  add(diffId: string, unpack: (place: LayerPlace) => Promise<void>): Promise<void>;
  /** Removes a layer that no container uses. */
  remove(diffId: string): Promise<void>;
  /**
   * Takes a layer's name away without touching its files: containers run on, since their mounts hold the directory
   * itself, and nothing starts on it any more.
   */
  retire(diffId: string): Promise<void>;
  retired(): Promise<readonly RetiredLayer[]>;
  /** Removes a retired layer that no container uses any more. */
  removeRetired(layer: RetiredLayer): Promise<void>;
}

/** Makes the layer store over its directories, which must be there and on one file system. */
export function createLayerStore(paths: StorePaths): LayerStore {
  const underWay = new Map<string, Promise<void>>();
  const flush = {
    content: sharedFlush(() => syncFileSystem(paths.temporary)),
    names: sharedFlush(() => syncDirectory(paths.layers)),
  };
  // Asked at every look at the node: a trip through the thread pool would cost as much as the rest of that.
  const has = async (diffId: string): Promise<boolean> => existsSync(paths.layer(diffId));
  return {
    has,
    add: async (diffId, unpack) => {
      const shared = underWay.get(diffId);
      if (shared) return shared;
      const work = has(diffId).then((isThere) => (isThere ? undefined : unpackInto(paths, flush, diffId, unpack)));
      underWay.set(diffId, work);
      await work.finally(() => underWay.delete(diffId));
    },
    remove: async (diffId) => {
      await moveAway(paths, paths.layer(diffId));
      await rm(paths.inventory(diffId), { force: true });
    },
    retire: async (diffId) => {
      const name = `${hexOf(diffId)}.${Date.now()}.${randomBytes(3).toString('hex')}`;
      await rename(paths.layer(diffId), join(paths.retired, name));
      await syncDirectory(paths.retired);
      await syncDirectory(paths.layers);
    },
    retired: async () => {
      const found = (await readdir(paths.retired)).map((name) => /^([0-9a-f]{64})\.(\d+)\.[0-9a-f]+$/.exec(name));
      return found.flatMap((match) => {
        const [name, hex, retiredAt] = match ?? [];
        if (name === undefined) return [];
        return [{ diffId: `sha256:${hex}`, path: join(paths.retired, name), retiredAt: Number(retiredAt) }];
      });
    },
    removeRetired: ({ path }) => moveAway(paths, path),
  };
}

/** What makes layers durable; each call covers all that was done before it. */
interface Flush {
  readonly content: () => Promise<void>;
  readonly names: () => Promise<void>;
}

/** The inventory gets its name first: one without a layer is of no use to anybody, and a layer is never without. */
async function unpackInto(
  paths: StorePaths,
  flush: Flush,
  diffId: string,
  unpack: (place: LayerPlace) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(paths.temporary, 'layer-'));
  const inventory = `${directory}.inventory`;
  try {
    await unpack({ directory, inventory });
    await flush.content();
    const isSealed = await sealLayer({ directory, inventory });
    await rename(inventory, paths.inventory(diffId));
    await (isSealed ? flush.content() : syncDirectory(paths.inventories));
    await rename(directory, paths.layer(diffId));
  } catch (error) {
    await rm(inventory, { force: true });
    await removeTree(directory);
    throw error;
  }
  await flush.names();
}

/** A layer loses its name at once and durably, however long its files take to go. */
async function moveAway(paths: StorePaths, path: string): Promise<void> {
  const doomed = await mkdtemp(join(paths.temporary, 'removed-'));
  await rename(path, join(doomed, basename(path))).catch(ignoreMissing);
  await syncDirectory(paths.layers);
  await removeTree(doomed);
}

/** A disk is told once what several wait for: who comes while it is busy shares the next time with all others. */
function sharedFlush(flush: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        running = flush();
        return running;
      });
    return next;
  };
}

/** syncfs(2) covers the inventory too, which is on the same file system. */
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
