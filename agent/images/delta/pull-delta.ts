import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import type { Descriptor } from '../documents/manifest.ts';
import { readWhole } from '../registry/read-whole.ts';
import type { StorePaths } from '../store/store-paths.ts';
import { CHUNK_BYTES } from '../unpack/free-buffer.ts';
import { decompressZstd } from '../unpack/zstd-frames.ts';
import { FRAME_HEAD_BYTES, readTable, tableOf } from './chunked-layer.ts';
import { type DeltaPart, planDelta } from './delta-plan.ts';
import { findHeldFiles } from './held-files.ts';

/** Streams a part of a packed layer from where it is. @throws ImageError */
export type FetchRange = (start: number, end: number) => AsyncIterable<Buffer>;

/**
 * Makes a layer of files that the store has in other layers and of the parts that are missing, where its manifest says
 * where those are. Nothing here is trusted: the result is the layer only if its digest is the diffID of the image's config.
 * @param onPart is told of the packed bytes that need not be fetched.
 * @returns the unpacked layer; null when that is no way to save anything. The stream rejects with an ImageError, or the
 * error of a file that has gone meanwhile.
 */
export async function openDelta(
  descriptor: Descriptor,
  paths: StorePaths,
  fetchRange: FetchRange,
  onPart: (packedBytes: number) => void,
): Promise<AsyncGenerator<Buffer> | null> {
  const place = tableOf(descriptor);
  if (place === null || (await isEmpty(paths.layers)) || (await hasBegun(paths.partial(descriptor.digest))))
    return null;
  const packed = await readWhole(fetchRange(place.start, place.end), place.end - place.start, descriptor.digest);
  const files = await readTable(packed, place);
  if (files === null || files.length === 0) return null;
  const parts = planDelta(files, await findHeldFiles(paths, files), place.start - FRAME_HEAD_BYTES);
  return parts && unpacked(parts, fetchRange, onPart);
}

async function isEmpty(directory: string): Promise<boolean> {
  return (await readdir(directory)).length === 0;
}

/** What has arrived of the whole is not fetched again. */
async function hasBegun(partial: string): Promise<boolean> {
  return stat(partial).then(
    ({ size }) => size > 0,
    () => false,
  );
}

async function* unpacked(
  parts: readonly DeltaPart[],
  fetchRange: FetchRange,
  onPart: (packedBytes: number) => void,
): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if (part.kind === 'range') {
      yield* decompressZstd(fetchRange(part.start, part.end));
      continue;
    }
    onPart(part.packedBytes);
    const file = await open(part.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    yield* file.createReadStream({ highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
  }
}
