import { readFile } from 'node:fs/promises';
import { writeDurably } from '../../../native/index.ts';
import { digestOf } from '../digest.ts';
import type { StorePaths } from './store-paths.ts';

/** Small documents by digest. */
export interface BlobStore {
  /** Keeps bytes durably under their own digest. */
  put(bytes: Uint8Array): Promise<void>;
  /** @returns bytes that have this digest now, or null when there are none: what was damaged on disk is not there. */
  get(digest: string): Promise<Buffer | null>;
}

/** Makes the blob store over its directory, which must be there. */
export function createBlobStore(paths: StorePaths): BlobStore {
  const get = async (digest: string): Promise<Buffer | null> => {
    const bytes = await readFile(paths.blob(digest)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    return bytes && digestOf(bytes) === digest ? bytes : null;
  };
  return {
    get,
    put: async (bytes) => {
      const digest = digestOf(bytes);
      if ((await get(digest)) === null) await writeDurably(paths.blob(digest), bytes);
    },
  };
}
