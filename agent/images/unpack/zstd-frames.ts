import { promisify } from 'node:util';
import { createZstdDecompress, constants as zlib, zstdDecompress } from 'node:zlib';
import { CHUNK_BYTES, freeBuffer } from './free-buffer.ts';

/** Frames of up to 32 MiB of window: zstd's levels without --long or --ultra need 8. */
const PARAMS = { [zlib.ZSTD_d_windowLogMax]: 25 };

/** Frames of up to this many packed and unpacked bytes are decompressed at once; a stream for each would cost more. */
const [SMALL_PACKED_BYTES, SMALL_BYTES] = [256 * 1024, 4 * 1024 * 1024];

const [FRAME_MAGIC, SKIPPABLE_MAGIC] = [0xfd2fb528, 0x184d2a50];

/** A zstd stream that breaks off or is none. Its code is one of the decompressor's. */
export class ZstdFormatError extends Error {
  readonly code = 'ZSTD_error_corruption_detected';
}

/**
 * Decompresses zstd as RFC 8878 has it: any number of frames, the skippable ones passed over. (Node ends after the first.)
 * Packed chunks are freed once they are read.
 * @throws ZstdFormatError, the decompressor's error, and whatever the source throws
 */
export async function* decompressZstd(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = new ByteSource(packed);
  for (let magic = await source.start(4); magic !== null; magic = await source.start(4)) {
    const kind = magic.readUInt32LE(0);
    if ((kind & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) await source.skip((await source.take(4)).readUInt32LE(0));
    else if (kind === FRAME_MAGIC) yield* decompressFrame(readFrame(source, magic));
    else throw new ZstdFormatError('there is something else than a frame of zstd');
  }
}

async function* decompressFrame(parts: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const first: Buffer[] = [];
  let size = 0;
  while (size <= SMALL_PACKED_BYTES) {
    const next = await parts.next();
    if (next.done) {
      const small = await decompressSmall(Buffer.concat(first));
      if (small === null) break;
      yield small;
      return;
    }
    first.push(next.value);
    size += next.value.length;
  }
  const stream = createZstdDecompress({ chunkSize: CHUNK_BYTES, params: PARAMS });
  const gone = new Promise<void>((resolve) => stream.once('close', resolve));
  const write = async (part: Buffer): Promise<void> => {
    const taken = new Promise<void>((resolve) => stream.write(part, () => resolve()));
    await Promise.race([taken, gone]);
    if (!stream.destroyed) freeBuffer(part);
  };
  const feed = async (): Promise<void> => {
    for (const part of first.splice(0)) await write(part);
    for await (const part of parts) {
      if (stream.destroyed) return;
      await write(part);
    }
    stream.end();
  };
  const feeding = feed().catch((error: Error) => void stream.destroy(error));
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    stream.destroy();
    await feeding;
  }
}

const decompressOnce = promisify<Buffer, object, Buffer>(zstdDecompress);

/** @returns null for what unpacks to more than is done at once. */
async function decompressSmall(frame: Buffer): Promise<Buffer | null> {
  return decompressOnce(frame, { maxOutputLength: SMALL_BYTES, params: PARAMS }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_BUFFER_TOO_LARGE') return null;
      throw error;
    },
  );
}

const [FCS_BYTES, DICTIONARY_BYTES] = [
  [0, 2, 4, 8],
  [0, 1, 2, 4],
];

/** Reads one frame, its magic number having been read, in parts: its header, and each of its blocks. */
async function* readFrame(source: ByteSource, magic: Buffer): AsyncGenerator<Buffer> {
  const [descriptor = 0] = await source.take(1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = FCS_BYTES[descriptor >> 6] || (isSingleSegment ? 1 : 0);
  const rest = (isSingleSegment ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] ?? 0) + sizeBytes;
  yield Buffer.concat([magic, Buffer.from([descriptor]), await source.take(rest)]);
  for (let isLast = false; !isLast; ) {
    const head = await source.take(3);
    const block = head.readUIntLE(0, 3);
    isLast = (block & 1) === 1;
    const [type, size] = [(block >> 1) & 3, block >> 3];
    if (type === 3 || size > MOST_BLOCK_BYTES) throw new ZstdFormatError('a block of a frame is of no known kind');
    yield Buffer.concat([head, await source.take(type === RUN_LENGTH ? 1 : size)]);
  }
  if ((descriptor & 0x04) !== 0) yield await source.take(4);
}

const RUN_LENGTH = 1;
const MOST_BLOCK_BYTES = 128 * 1024;

/** Bytes in the portions that are asked for, whatever the chunks they come in. */
class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @returns a copy of the next bytes, or null when there are none at all. */
  async start(bytes: number): Promise<Buffer | null> {
    return (await this.#fill()) ? this.take(bytes) : null;
  }

  /** @returns a copy of the next bytes. @throws ZstdFormatError when there are fewer */
  async take(bytes: number): Promise<Buffer> {
    const taken = Buffer.allocUnsafe(bytes);
    for (let done = 0; done < bytes; ) {
      await this.#expect();
      const copied = this.#chunk.copy(taken, done, this.#at);
      done += copied;
      this.#at += copied;
    }
    return taken;
  }

  /** Passes over bytes. @throws ZstdFormatError when there are fewer */
  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) {
      await this.#expect();
      const passed = Math.min(left, this.#chunk.length - this.#at);
      left -= passed;
      this.#at += passed;
    }
  }

  async #expect(): Promise<void> {
    if (!(await this.#fill())) throw new ZstdFormatError('the last frame is not whole');
  }

  async #fill(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#chunks.next();
      freeBuffer(this.#chunk);
      if (next.done) {
        this.#chunk = Buffer.alloc(0);
        this.#at = 0;
        return false;
      }
      this.#chunk = next.value;
      this.#at = 0;
    }
    return true;
  }
}
