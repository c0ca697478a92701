import { PassThrough, Writable } from 'node:stream';
import { BackendError, type ContainerRef, type ExecExit, type ExecSession, type ExecSpec } from '../../native/index.ts';
import type { FakeNode } from './fake-node.ts';

/** How a program run in a container behaves. */
export interface FakeExec {
  /** False: the program cannot be executed. */
  readonly starts?: boolean;
  readonly stdout?: string;
  readonly stderr?: string;
  /** `exits` at once; `echoes` its input and ends with it; `stays` until it is killed. */
  readonly does?: 'exits' | 'echoes' | 'stays';
  /** Exit status; 0 unless given. */
  readonly code?: number;
}

const PID = 4242;

/** @returns a session with a program that behaves as told, and dies with its container. */
export function openFakeSession(
  node: FakeNode,
  ref: ContainerRef,
  { spec, starts = true, stdout: out = '', stderr: err = '', does = 'exits', code = 0 }: FakeExec & { spec: ExecSpec },
): ExecSession {
  const [program] = spec.args;
  if (program === undefined || (spec.cwd ?? '/')[0] !== '/') {
    throw new BackendError('invalid-spec', 'check spec', 'args and cwd: expected a program and an absolute path');
  }
  if (!starts) throw new BackendError('exec-failed', 'execve', program, { errno: 'ENOENT' });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { promise: exited, resolve } = Promise.withResolvers<ExecExit>();
  const end = (exit: ExecExit): void => {
    unwatch();
    stdout.end();
    stderr.end();
    resolve(exit);
  };
  const unwatch = node.watch(() => {
    if (node.container(ref)?.pid == null) end({ code: null, signal: 'SIGKILL', lost: false });
  });
  const stdin = new Writable({
    write: (chunk, _, done) => {
      if (does === 'echoes') stdout.write(chunk);
      done();
    },
    final: (done) => {
      if (does === 'echoes') end({ code, signal: null, lost: false });
      done();
    },
  });
  stdout.write(out);
  stderr.write(err);
  if (does === 'exits') end({ code, signal: null, lost: false });
  return {
    pid: PID,
    ...{ stdin, stdout, stderr, exited },
    clamped: [],
    resize: () => {},
    kill: (signal = 'SIGKILL') => end({ code: null, signal, lost: false }),
  };
}
