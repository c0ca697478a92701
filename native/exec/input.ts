import { Writable } from 'node:stream';
import { INPUT_WINDOW_BYTES, inputEndFrame, inputFrame } from './frames.ts';

/** A program's standard input, and the word that so many bytes more may be sent. */
export interface SessionInput {
  readonly stdin: Writable;
  grant(byteCount: number): void;
}

/** @returns an input that never sends more than the shim has room for, so that a program that does not read holds up nothing else. */
export function createInput(send: (frame: Buffer) => void): SessionInput {
  let granted = INPUT_WINDOW_BYTES;
  let waiting: { readonly bytes: Buffer; readonly done: () => void } | null = null;
  const pump = (): void => {
    if (waiting === null || granted === 0) return;
    const { bytes, done } = waiting;
    const now = bytes.subarray(0, granted);
    granted -= now.length;
    if (now.length > 0) send(inputFrame(now));
    waiting = now.length < bytes.length ? { bytes: bytes.subarray(now.length), done } : null;
    if (waiting === null) done();
  };
  const stdin = new Writable({
    decodeStrings: true,
    write: (bytes: Buffer, _, done) => {
      waiting = { bytes, done };
      pump();
    },
    final: (done) => {
      send(inputEndFrame());
      done();
    },
  });
  return {
    stdin,
    grant: (byteCount) => {
      granted += byteCount;
      pump();
    },
  };
}
