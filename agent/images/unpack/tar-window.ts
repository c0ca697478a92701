import { freeBuffer } from './free-buffer.ts';

/** The part of a tar that its reader has got and that is still of use: what is behind it is freed. */
export class TarWindow {
  #chunks: Buffer[] = [];
  #start = 0;
  #end = 0;

  /** Takes the next bytes, before the reader gets them. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#end += chunk.length;
  }

  /** Bytes that are held. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** @returns a copy of bytes that are held, by their offsets in the tar. */
  copy(from: number, to: number): Buffer {
    const parts: Buffer[] = [];
    let at = this.#start;
    for (const chunk of this.#chunks) {
      if (at < to && at + chunk.length > from) parts.push(chunk.subarray(Math.max(0, from - at), to - at));
      at += chunk.length;
    }
    return Buffer.concat(parts);
  }

  /** Frees what ends at or before an offset: nobody reads that any more. */
  release(offset: number): void {
    for (let chunk = this.#chunks[0]; chunk && this.#start + chunk.length <= offset; chunk = this.#chunks[0]) {
      this.#chunks.shift();
      this.#start += chunk.length;
      freeBuffer(chunk);
    }
  }
}
