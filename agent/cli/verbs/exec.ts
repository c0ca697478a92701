import { constants } from 'node:os';
import { finished } from 'node:stream/promises';
import type { BackendError, ExecExit, ExecSession, ExecSpec } from '../../../native/index.ts';
import { findContainer } from '../find-container.ts';
import { openGuest } from '../open-guest.ts';
import type { VerbContext } from '../verb-context.ts';

export interface ExecOptions {
  readonly container?: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly workdir?: string;
}

/** As `docker exec` and env(1) have them; everything else is the command's own. */
const STATUS = { notRun: 125, notExecutable: 126, notFound: 127, signalled: 128 } as const;

/** Runs a command in a container, on this process's streams. Goes past the agent: works while it is down. @returns the command's exit status. */
export async function exec(
  context: VerbContext,
  target: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  try {
    if (options.tty && !process.stdin.isTTY) throw new Error('-t needs a terminal as standard input');
    return statusOf(await connect(await open(context, target, command, options), options));
  } catch (error) {
    const { code, errno, message } = error as BackendError;
    context.output.error(`holdfast: ${message}\n`);
    if (code !== 'exec-failed') return STATUS.notRun;
    return errno === 'ENOENT' ? STATUS.notFound : STATUS.notExecutable;
  }
}

async function open(
  context: VerbContext,
  target: string,
  command: readonly string[],
  { container, tty, user, workdir }: ExecOptions,
): Promise<ExecSession> {
  const guest = await openGuest(context);
  const spec: ExecSpec = {
    args: command,
    terminal: tty ? terminalSize() : null,
    ...(user && { user: { ...user, additionalGids: [] } }),
    ...(workdir !== undefined && { cwd: workdir }),
  };
  return guest.execContainer(findContainer(await guest.observe(), target, container ?? null), spec);
}

async function connect(session: ExecSession, { stdin, tty }: ExecOptions): Promise<ExecExit> {
  const resize = (): void => session.resize(terminalSize());
  // What nobody reads any more is not worth running for.
  for (const output of [process.stdout, process.stderr]) output.once('error', () => session.kill());
  session.stdin.on('error', () => undefined);
  session.stdout.pipe(process.stdout, { end: false });
  session.stderr.pipe(process.stderr, { end: false });
  if (stdin) process.stdin.pipe(session.stdin);
  else session.stdin.end();
  if (tty) {
    process.stdin.setRawMode(true);
    process.stdout.on('resize', resize);
  }
  try {
    const exit = await session.exited;
    await Promise.all([finished(session.stdout), finished(session.stderr)]);
    return exit;
  } finally {
    process.stdout.off('resize', resize);
    if (tty) process.stdin.setRawMode(false);
    process.stdin.destroy();
  }
}

function terminalSize(): { readonly rows: number; readonly columns: number } {
  const { rows = 24, columns = 80 } = process.stdout;
  return { rows, columns };
}

function statusOf({ code, signal }: ExecExit): number {
  if (code !== null) return code;
  return STATUS.signalled + (signal === null ? 0 : (constants.signals[signal as NodeJS.Signals] ?? 0));
}
