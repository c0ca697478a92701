import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { patience } from './patience.ts';

const run = promisify(execFile);
const STEP_MS = 5;
const MOST_OUTPUT_BYTES = 64 * 1024 * 1024;

/** A network of its own with nothing in it but a raised loopback: a machine's, as far as networks go. */
export interface NetworkNamespace {
  /** Names it, for as long as it is open. */
  readonly path: string;
  readonly pid: number;
  /** Runs a program in it. @returns its output without the last line end. @throws when it fails. */
  run(command: string, ...args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/** Makes a network namespace for one test. */
export async function openNetworkNamespace(): Promise<NetworkNamespace> {
  const own = await readlink('/proc/self/ns/net');
  const child = spawn('unshare', ['--net', 'sleep', '1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid as number;
  const path = `/proc/${pid}/ns/net`;
  while ((await readlink(path)) === own) await sleep(STEP_MS);
  const namespace: NetworkNamespace = {
    path,
    pid,
    run: runInNetworkOf(pid),
    close: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
  await namespace.run('ip', 'link', 'set', 'lo', 'up');
  return namespace;
}

/** @returns a function that runs a program in the network namespace of a process, as {@link NetworkNamespace.run} does. */
export function runInNetworkOf(pid: number): NetworkNamespace['run'] {
  return async (command, ...args) => {
    const entered = [`--net=/proc/${pid}/ns/net`, command, ...args];
    const { stdout } = await run('nsenter', entered, { timeout: patience(10_000), maxBuffer: MOST_OUTPUT_BYTES });
    return stdout.trimEnd();
  };
}
