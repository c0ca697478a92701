import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
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
  /** Removes every blob and layer but these. */
  sweep(used: { readonly blobs: ReadonlySet<string>; readonly layers: ReadonlySet<string> }): Promise<void>;
}

/** Opens the store, making it if need be, and clears what an earlier life left half done. */
export async function openImageStore(stateDir: string): Promise<ImageStore> {
  const paths = storePaths(stateDir);
  await rm(paths.temporary, { recursive: true, force: true });
  for (const directory of [paths.blobs, paths.layers, paths.references, paths.temporary]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
  await removeHalfWritten(paths.blobs);
  await removeHalfWritten(paths.references);
  const layers = createLayerStore(paths);
  return {
    paths,
    layers,
    blobs: createBlobStore(paths),
    references: await openReferenceRecords(paths),
    sweep: async (used) => {
      for (const digest of await digestsIn(paths.layers)) if (!used.layers.has(digest)) await layers.remove(digest);
      for (const digest of await digestsIn(paths.blobs)) if (!used.blobs.has(digest)) await rm(paths.blob(digest));
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
