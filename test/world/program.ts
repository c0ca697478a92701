import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from './patience.ts';

/** A real program running for the length of a test. */
export interface Program {
  readonly pid: number;
  /** Everything it wrote so far, stdout and stderr together. */
  output(): string;
  /** Its exit status; null while it runs, and when a signal ended it. */
  exitStatus(): number | null;
  /** Ends it (SIGTERM, SIGKILL after ten) and waits until it is gone. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

export interface ProgramOptions {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Wait until it listens on this loopback port. */
  readonly port?: number;
  /** Wait until its output matches. */
  readonly ready?: RegExp;
}

const START_MS = patience(60_000);

/** Starts a program and waits until it is ready. Throws with its output when it ends or stays silent before that. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const child = spawn(options.command, options.args ?? [], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  await once(child, 'spawn');
  const program: Program = {
    pid: child.pid as number,
    output: () => output,
    exitStatus: () => child.exitCode,
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  };
  const deadline = Date.now() + START_MS;
  while (!(await isReady(options, output))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await program.kill();
      throw new Error(`${options.command} did not become ready:\n${output}`);
    }
    await sleep(20);
  }
  return program;
}

async function isReady(options: ProgramOptions, output: string): Promise<boolean> {
  if (options.ready && !options.ready.test(output)) return false;
  return options.port === undefined || (await isListening(options.port));
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), patience(10_000));
  await gone;
  clearTimeout(timer);
}

/** @returns a loopback TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
