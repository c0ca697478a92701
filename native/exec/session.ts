import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ExecExit, ExecSession } from '../backend.ts';
import type { ShimReport } from '../launch/report.ts';
import { signalName, signalNumber } from '../process/signals.ts';
import { createFrameReader, resizeFrame, type ShimFrame, signalFrame } from './frames.ts';
import { createInput } from './input.ts';

/** @returns the session a shim carries over its socket. The program dies with the socket. */
export function createSession(
  socket: Socket,
  { process: { pid }, clamped }: Pick<ShimReport, 'process' | 'clamped'>,
): ExecSession {
  const send = (frame: Buffer): void => {
    if (socket.writable) socket.write(frame);
  };
  const { stdin, grant } = createInput(send);
  const stdout = outputFrom(socket);
  const stderr = outputFrom(socket);
  const { promise: exited, resolve: tellExit } = Promise.withResolvers<ExecExit>();
  const finish = (exit: ExecExit): void => {
    for (const output of [stdout, stderr]) if (!output.destroyed) output.push(null);
    stdin.destroy();
    tellExit(exit);
  };
  const hear = (frame: ShimFrame): void => {
    switch (frame.kind) {
      case 'output':
        pushTo(stdout, frame.bytes, socket);
        return;
      case 'errors':
        pushTo(stderr, frame.bytes, socket);
        return;
      case 'taken':
        grant(frame.byteCount);
        return;
      case 'exit':
        finish(describeExit(frame));
        socket.destroy();
        return;
      default:
        frame satisfies never;
    }
  };
  const read = createFrameReader();
  socket.on('data', (chunk: Buffer) => {
    for (const frame of read(chunk)) hear(frame);
  });
  socket.once('close', () => finish({ code: null, signal: null, lost: true }));
  socket.resume();
  return {
    ...{ pid, clamped },
    ...{ stdin, stdout, stderr, exited },
    resize: (size) => send(resizeFrame(size)),
    kill: (signal = 'SIGKILL') => send(signalFrame(signalNumber(signal))),
  };
}

/** Of a destroyed stream the rest is thrown away. */
function outputFrom(socket: Socket): Readable {
  const go = (): void => void socket.resume();
  return new Readable({
    read: go,
    destroy: (error, done) => {
      go();
      done(error);
    },
  });
}

/** The program waits while nobody reads what it writes. */
function pushTo(output: Readable, bytes: Buffer, socket: Socket): void {
  if (!output.destroyed && !output.push(bytes)) socket.pause();
}

function describeExit({ code, signal }: { readonly code: number; readonly signal: number }): ExecExit {
  return { code: code < 0 ? null : code, signal: signal === 0 ? null : signalName(signal), lost: false };
}
