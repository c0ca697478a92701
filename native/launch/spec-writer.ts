const INITIAL_BYTES = 4096;

/** Appends the launch spec's primitive forms (native/src/shim/spec.h): little-endian, texts with length and NUL. */
export interface SpecWriter {
  u32(value: number): void;
  u64(value: bigint): void;
  text(value: string): void;
  texts(values: readonly string[]): void;
  /** A list: its length, then each item as `write` does it. */
  list<T>(items: readonly T[], write: (item: T) => void): void;
  bytes(value: Uint8Array): void;
  /** Overwrites the u32 at an offset. */
  patchU32(offset: number, value: number): void;
  finish(): Buffer;
}

/** @returns an empty writer. A text with a NUL inside is refused with a RangeError, as is a number that does not fit. */
export function createSpecWriter(): SpecWriter {
  let buffer = Buffer.alloc(INITIAL_BYTES);
  let used = 0;
  const reserve = (bytes: number): number => {
    const at = used;
    used += bytes;
    if (used > buffer.length) {
      const grown = Buffer.alloc(Math.max(used, buffer.length * 2));
      buffer.copy(grown);
      buffer = grown;
    }
    return at;
  };
  const u32 = (value: number): void => {
    const at = reserve(4);
    buffer.writeUInt32LE(value, at);
  };
  const text = (value: string): void => {
    if (value.includes('\0'))
      throw new RangeError(`a text for the kernel must not contain NUL: ${JSON.stringify(value)}`);
    const length = Buffer.byteLength(value);
    u32(length);
    const at = reserve(length + 1);
    buffer.write(value, at);
    buffer[at + length] = 0;
  };
  const list = <T>(items: readonly T[], write: (item: T) => void): void => {
    u32(items.length);
    for (const item of items) write(item);
  };
  return {
    u32,
    u64: (value) => {
      const at = reserve(8);
      buffer.writeBigUInt64LE(value, at);
    },
    text,
    texts: (values) => list(values, text),
    list,
    bytes: (value) => {
      u32(value.length);
      const at = reserve(value.length);
      buffer.set(value, at);
    },
    patchU32: (offset, value) => {
      buffer.writeUInt32LE(value, offset);
    },
    finish: () => buffer.subarray(0, used),
  };
}
