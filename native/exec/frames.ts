/** Bytes of standard input the shim keeps for a program that does not read (native/src/shim/session.h). */
export const INPUT_WINDOW_BYTES = 65_536;

const HEADER_BYTES = 8;
const TO_SHIM = { input: 1, inputEnd: 2, resize: 3, signal: 4 } as const;
const FROM_SHIM = { 1: 'output', 2: 'errors', 3: 'taken', 4: 'exit' } as const;

/** What the shim of a session says. */
export type ShimFrame =
  | { readonly kind: 'output' | 'errors'; readonly bytes: Buffer }
  /** So many bytes of input more may be sent. */
  | { readonly kind: 'taken'; readonly byteCount: number }
  /** `code` is -1 when a signal ended it, `signal` 0 when it exited. */
  | { readonly kind: 'exit'; readonly code: number; readonly signal: number };

/** @returns bytes of standard input, framed. Never more at once than was granted. */
export function inputFrame(bytes: Uint8Array): Buffer {
  return frame(TO_SHIM.input, bytes);
}

/** @returns the frame that ends standard input. */
export function inputEndFrame(): Buffer {
  return frame(TO_SHIM.inputEnd, new Uint8Array());
}

/** @returns the frame that sets the terminal's size. */
export function resizeFrame(size: { readonly rows: number; readonly columns: number }): Buffer {
  return frame(TO_SHIM.resize, words(size.rows, size.columns));
}

/** @returns the frame that sends a signal to the process and its group. */
export function signalFrame(signal: number): Buffer {
  return frame(TO_SHIM.signal, words(signal));
}

/** Cuts what comes from a shim into frames. @returns a function that takes a chunk and gives the frames it completes. */
export function createFrameReader(): (chunk: Buffer) => readonly ShimFrame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: ShimFrame[] = [];
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32LE(4);
      if (rest.length < end) break;
      frames.push(decode(rest.readUInt32LE(0), rest.subarray(HEADER_BYTES, end)));
      rest = rest.subarray(end);
    }
    return frames;
  };
}

function decode(number: number, body: Buffer): ShimFrame {
  const kind = FROM_SHIM[number as keyof typeof FROM_SHIM];
  switch (kind) {
    case 'output':
    case 'errors':
      return { kind, bytes: body };
    case 'taken':
      return { kind, byteCount: body.readUInt32LE(0) };
    case 'exit':
      return { kind, code: body.readInt32LE(0), signal: body.readInt32LE(4) };
    default:
      kind satisfies undefined;
      throw new RangeError(`a shim said what none of this version says: ${number}`);
  }
}

function frame(kind: number, body: Uint8Array): Buffer {
  const header = words(kind, body.length);
  return Buffer.concat([header, body]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}
