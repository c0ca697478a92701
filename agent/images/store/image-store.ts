import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../../native/index.ts';
import { type BlobStore, createBlobStore } from './blob-store.ts';
import { createLayerStore, type LayerStore } from './layer-store.ts';
import { openReferenceRecords, type ReferenceRecords } from './reference-records.ts';
import { type StorePaths, storePaths } from './store-paths.ts';

/** Everything kept of images, below `<stateDir>/images`. */
export interface ImageStore {
  readonly paths: StorePaths;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly references: ReferenceRecords;
  /** Removes every blob, layer, inventory and begun download but these. */
  sweep(used: UsedDigests): Promise<void>;
}

/** What the records speak for. */
export interface UsedDigests {
  readonly blobs: ReadonlySet<string>;
  /** By diffID. */
  readonly layers: ReadonlySet<string>;
  /** Packed layers, by their own digest. */
  readonly packed: ReadonlySet<string>;
}

/** Opens the store, making it if need be, and clears what an earlier life left half done. Begun downloads are kept. */
export async function openImageStore(stateDir: string): Promise<ImageStore> {
  const paths = storePaths(stateDir);
  await removeTree(paths.temporary);
  const { blobs, layers: unpacked, inventories, retired, partials, references, temporary } = paths;
  for (const directory of [blobs, unpacked, inventories, retired, partials, references, temporary]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
  await removeHalfWritten(blobs);
  await removeHalfWritten(references);
  const layers = createLayerStore(paths);
  return {
    paths,
    layers,
    blobs: createBlobStore(paths),
    references: await openReferenceRecords(paths),
    sweep: async (used) => {
      for (const digest of await digestsIn(unpacked)) if (!used.layers.has(digest)) await layers.remove(digest);
      for (const digest of await digestsIn(inventories)) {
        if (!used.layers.has(digest)) await rm(paths.inventory(digest), { force: true });
      }
      for (const digest of await digestsIn(partials)) {
        if (!used.packed.has(digest)) await rm(paths.partial(digest), { force: true });
      }
      for (const digest of await digestsIn(blobs)) if (!used.blobs.has(digest)) await rm(paths.blob(digest));
    },
  };
}

async function removeHalfWritten(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (name.endsWith('.tmp')) await rm(join(directory, name));
}

async function digestsIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `sha256:${name}`);
}
