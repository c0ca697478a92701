/** Of a tar. */
export const BLOCK_BYTES = 512;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/**
 * Finds entries after the end of a tar. A zero block outside of any file's content ends an archive (pax(1)), and tools
 * disagree on what follows: a scanner may not see the files hidden there. Here such a layer is refused.
 */
export class ArchiveEnd {
  #offset = 0;
  #isBlockZero = true;
  #contentEnd = 0;
  /** Offsets after zero blocks that may end the archive; those inside of a file are dropped once its size is known. */
  #endings: number[] = [];

  /** Looks at unpacked bytes before the tar reader gets them. */
  observe(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const length = Math.min(BLOCK_BYTES - (this.#offset % BLOCK_BYTES), chunk.length - at);
      this.#isBlockZero &&= chunk[at] === 0 && chunk.compare(ZEROS, 0, length, at, at + length) === 0;
      at += length;
      this.#offset += length;
      if (this.#offset % BLOCK_BYTES !== 0) continue;
      if (this.#isBlockZero && this.#offset > this.#contentEnd) this.#endings.push(this.#offset);
      this.#isBlockZero = true;
    }
  }

  /** Takes note of an entry the tar reader found. @returns whether the archive had ended before it. */
  isPastEnd(contentOffset: number, contentBytes: number): boolean {
    const hasEnded = this.#endings.some((ending) => ending <= contentOffset);
    this.#contentEnd = contentOffset + Math.ceil(contentBytes / BLOCK_BYTES) * BLOCK_BYTES;
    this.#endings = this.#endings.filter((ending) => ending > this.#contentEnd);
    return hasEnded;
  }
}
