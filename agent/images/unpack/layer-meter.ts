import { createHash } from 'node:crypto';
import type { Compression } from '../documents/media-types.ts';
import { ImageError } from '../image-source.ts';
import { ArchiveEnd, BLOCK_BYTES } from './archive-end.ts';
import type { UnpackLimits } from './limits.ts';
import { type LayerName, refuse, TRAILING_DATA } from './refusal.ts';
import { TarWindow } from './tar-window.ts';

/** The tar reader takes 4 MiB of an extended header and of each long name. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;

/** A packed layer that is not trusted yet. */
export interface PackedLayer extends LayerName {
  readonly compression: Compression;
  /** Digest of the unpacked tar, from the image config. */
  readonly diffId: string;
  /** Packed bytes, whose buffers are freed once they are read. Must fail at its end when their digest is wrong. */
  readonly stream: AsyncIterable<Buffer>;
}

/** Counts and hashes a layer as it flows, packed and unpacked, and stops it at the limits. */
export class LayerMeter {
  readonly end = new ArchiveEnd();
  readonly window = new TarWindow();
  /** The first error of the stream itself, which what is downstream may report in other words. */
  failure: unknown = null;
  readonly #layer: PackedLayer;
  readonly #limits: UnpackLimits;
  readonly #hash = createHash('sha256');
  #packedBytes = 0;
  #unpackedBytes = 0;
  #holeBytes = 0;
  #isWhole = false;

  constructor(layer: PackedLayer, limits: UnpackLimits) {
    this.#layer = layer;
    this.#limits = limits;
  }

  async *packed(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of this.#layer.stream) {
        this.#packedBytes += chunk.length;
        yield chunk;
      }
      this.#isWhole = true;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /**
   * Measures what flows through. Some tools (umoci insert) leave out the padding after the last file; it is given to the
   * tar reader, and is no part of what is measured.
   */
  unpacked(): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
    const measure = this.#measure.bind(this);
    const padding = (): number => (BLOCK_BYTES - (this.#unpackedBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    return async function* measured(source) {
      for await (const chunk of source) {
        measure(chunk);
        yield chunk;
      }
      if (padding() > 0) yield Buffer.alloc(padding());
    };
  }

  /** @param end where the content of the last entry ends. @throws ImageError `bad-layer` when more than padding is missing */
  requireContent(end: number): void {
    if (end > this.#unpackedBytes) throw refuse(this.#layer, null, 'it is not a whole tar: the last file is cut off');
  }

  #measure(chunk: Buffer): void {
    this.#unpackedBytes += chunk.length;
    const { bytes, ratio, ratioFromBytes } = this.#limits;
    const isBomb = this.#unpackedBytes > ratioFromBytes && this.#unpackedBytes > this.#packedBytes * ratio;
    if (isBomb || this.#unpackedBytes > bytes) {
      const reason = isBomb ? `it expands more than ${ratio} times` : `it unpacks to more than ${bytes} bytes`;
      this.failure = refuse(this.#layer, null, reason);
      throw this.failure;
    }
    if (this.window.size > MOST_HELD_BYTES) {
      this.failure = refuse(this.#layer, null, `the headers of an entry are larger than ${MOST_HELD_BYTES} bytes`);
      throw this.failure;
    }
    this.end.observe(chunk);
    this.#hash.update(chunk);
    this.window.push(chunk);
  }

  /** Counts what a sparse file has without storing it. @throws ImageError `bad-layer` */
  expand(bytes: number, entry: string): void {
    this.#holeBytes += bytes;
    if (this.#holeBytes + this.#unpackedBytes <= this.#limits.bytes) return;
    throw refuse(this.#layer, entry, `with its holes the layer has more than ${this.#limits.bytes} bytes`);
  }

  /** @throws ImageError when the whole of the stream was not the whole of the layer that was asked for */
  finish(bytesRead: number | null): void {
    if (!this.#isWhole || (bytesRead ?? this.#packedBytes) !== this.#packedBytes)
      throw refuse(this.#layer, null, TRAILING_DATA);
    const actual = `sha256:${this.#hash.digest('hex')}`;
    if (actual === this.#layer.diffId) return;
    const { reference, digest, diffId } = this.#layer;
    const message = `${reference}: layer ${digest} unpacks to ${actual}, but the image config says ${diffId}`;
    throw new ImageError('digest-mismatch', reference, message);
  }
}
