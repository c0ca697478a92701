import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { StorePaths } from './store-paths.ts';

/** A packed layer as far as it has arrived. What is in it is checked by digest when it is whole, not before. */
export interface PartialLayer {
  /** Bytes of it on disk. */
  readonly size: number;
  /** Reads what was on disk when it was opened, from the start. */
  read(): AsyncIterable<Buffer>;
  append(chunk: Buffer): Promise<void>;
  /** Begins anew. */
  reset(): Promise<void>;
  /** Keeps what there is for the next attempt, of this agent or another. */
  close(): Promise<void>;
  /** Closes and removes it: it is unpacked, or of no use. */
  remove(): Promise<void>;
}

/** Opens the partial file of one packed layer. */
export type OpenPartial = (digest: string, size: number) => Promise<PartialLayer>;

/** Two layers with one packed digest are not written to one file: the second opener gets one that keeps nothing. */
export function createPartials(paths: StorePaths): OpenPartial {
  const inHand = new Set<string>();
  return async (digest, size) => {
    if (inHand.has(digest)) return KEEPS_NOTHING;
    inHand.add(digest);
    try {
      return await openPartial(paths.partial(digest), size, () => inHand.delete(digest));
    } catch (error) {
      inHand.delete(digest);
      throw error;
    }
  };
}

async function openPartial(path: string, wholeSize: number, onClose: () => void): Promise<PartialLayer> {
  const file: FileHandle = await open(path, 'a+', 0o600);
  let { size } = await file.stat();
  const reset = async (): Promise<void> => {
    await file.truncate(0);
    size = 0;
  };
  if (size > wholeSize) await reset();
  const close = async (): Promise<void> => {
    await file.close().finally(onClose);
  };
  return {
    get size() {
      return size;
    },
    read: () => readUpTo(path, size),
    append: async (chunk) => {
      await file.appendFile(chunk);
      size += chunk.length;
    },
    reset,
    close,
    remove: async () => {
      await rm(path, { force: true });
      await close();
    },
  };
}

async function* readUpTo(path: string, size: number): AsyncGenerator<Buffer> {
  if (size > 0) yield* createReadStream(path, { end: size - 1 });
}

const KEEPS_NOTHING: PartialLayer = {
  size: 0,
  read: async function* () {
    yield* [];
  },
  append: async () => undefined,
  reset: async () => undefined,
  close: async () => undefined,
  remove: async () => undefined,
};
