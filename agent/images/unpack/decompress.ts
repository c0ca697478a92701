import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Compression } from '../documents/media-types.ts';
import { CHUNK_BYTES, freeBuffer } from './free-buffer.ts';
import { decompressZstd } from './zstd-frames.ts';

/** A layer on its way from packed to unpacked. */
export interface Decompression {
  readonly unpacked: AsyncIterable<Buffer>;
  /** Resolves when nothing more is read; rejects with the packed stream's error. */
  readonly fed: Promise<void>;
  /** Packed bytes that were part of what is unpacked; null for all that were read. */
  readonly bytesRead: () => number | null;
}

/** Begins to decompress a layer, whose packed chunks are freed once they are read. */
export function decompress(packed: AsyncIterable<Buffer>, compression: Compression): Decompression {
  switch (compression) {
    case 'gzip': {
      const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
      return { unpacked: gunzip, fed: feed(packed, gunzip), bytesRead: () => gunzip.bytesWritten };
    }
    case 'zstd':
      return { unpacked: decompressZstd(packed), fed: Promise.resolve(), bytesRead: () => null };
    case 'none':
      return { unpacked: packed, fed: Promise.resolve(), bytesRead: () => null };
    default:
      return compression satisfies never;
  }
}

/**
 * Ends early, and without an error of its own, when the decompressor gives up: that tells why. Only what comes next is
 * awaited still, for at its end the stream knows whether its bytes were changed, which is the better reason.
 */
async function feed(packed: AsyncIterable<Buffer>, decompressor: Transform): Promise<void> {
  const gone = new Promise<void>((resolve) => decompressor.once('close', resolve));
  try {
    for await (const chunk of packed) {
      if (decompressor.destroyed) return;
      const taken = new Promise<void>((resolve) => decompressor.write(chunk, () => resolve()));
      await Promise.race([taken, gone]);
      if (!decompressor.destroyed) freeBuffer(chunk);
    }
    if (!decompressor.destroyed) decompressor.end();
  } catch (error) {
    decompressor.destroy(error as Error);
    throw error;
  }
}
