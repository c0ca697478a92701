/** Decompressors fill buffers of this size, one after the other. */
export const CHUNK_BYTES = 128 * 1024;

/**
 * Gives back the memory of a chunk that nobody reads any more, at once and not when garbage is collected: V8 lets tens
 * of megabytes of buffers lie around before it collects any. Only what is surely the chunk's own is given back: a buffer
 * that it covers, or one of a decompressor that it ends, whose other chunks came before it.
 */
export function freeBuffer(chunk: Buffer): void {
  const { buffer, byteOffset, byteLength } = chunk;
  if (!(buffer instanceof ArrayBuffer) || byteOffset + byteLength !== buffer.byteLength) return;
  if (byteOffset === 0 || buffer.byteLength === CHUNK_BYTES) buffer.transfer(0);
}
