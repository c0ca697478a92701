import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { BackendError } from '../../errors.ts';
import { decodeReport } from '../../launch/report.ts';
import type { ProcessId } from '../../process/process-id.ts';
import type { BundleHook, BundleHooks } from '../config/schema.ts';
import { encodeVisitLaunch } from '../launch/encode-bundle.ts';
import { startShim } from '../launch/start-shim.ts';

export interface HookRun {
  readonly hooks: BundleHooks;
  readonly stage: keyof BundleHooks;
  /** The container's state, which a hook reads on its standard input. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Null runs the hooks among the runtime's own namespaces. */
  readonly inside: { readonly process: ProcessId; readonly scratchDir: string; readonly shimPath: string } | null;
}

/**
 * Runs the hooks of one stage in their order. @throws BackendError `exec-failed` for the first that fails or takes too
 * long; the others are not run then.
 */
export async function runHooks(run: HookRun): Promise<void> {
  for (const [index, hook] of run.hooks[run.stage].entries()) {
    const problem = await runHook(hook, run);
    if (problem === null) continue;
    const message = `hooks.${run.stage}[${index}]: ${hook.path} ${problem}`;
    throw new BackendError('exec-failed', `${run.stage} hook`, message);
  }
}

/** The same for a stage whose failures change nothing any more: each is told, and the next hook runs. */
export async function runHooksOnward(run: HookRun, warn: (message: string) => void): Promise<void> {
  for (const hook of run.hooks[run.stage]) {
    const hooks = { ...run.hooks, [run.stage]: [hook] };
    await runHooks({ ...run, hooks }).catch((error: Error) => warn(error.message));
  }
}

/** @returns what went wrong, or null. */
async function runHook(hook: BundleHook, run: HookRun): Promise<string | null> {
  let child: ChildProcess;
  try {
    child = await start(hook, run.inside);
  } catch (error) {
    return `cannot be run: ${(error as Error).message}`;
  }
  const ended = once(child, 'exit');
  const reported = run.inside === null ? null : reportOf(child.stdio[REPORT_FD] as Readable);
  // A hook need not read its input.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(JSON.stringify(run.state));
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      child.kill('SIGKILL');
    },
    hook.timeout === undefined ? MAX_TIMEOUT_MS : hook.timeout * 1000,
  );
  const [code, signal] = await ended;
  clearTimeout(timer);
  if (isLate) return `did not end within ${hook.timeout} s`;
  const failure = await reported;
  if (failure) return `cannot be run: ${failure}`;
  return code === 0 ? null : `ended with ${signal ?? `status ${code}`}`;
}

/** @returns why the shim could not run a hook, or null when it ran. A hook has not the other end, so it comes to an end. */
async function reportOf(socket: Readable): Promise<string | null> {
  const report = Buffer.concat(await socket.toArray().catch(() => []));
  try {
    if (report.length > 0) decodeReport(report);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const REPORT_FD = 4;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

async function start(hook: BundleHook, inside: HookRun['inside']): Promise<ChildProcess> {
  const [argv0 = hook.path, ...args] = hook.args ?? [];
  if (inside !== null) {
    const { process, scratchDir, shimPath } = inside;
    const launch = { container: process, path: hook.path, args: [argv0, ...args], env: hook.env };
    return startShim({ shimPath, spec: encodeVisitLaunch(launch), scratchDir, input: 'pipe', preservedCount: 0 });
  }
  const env = Object.fromEntries(
    hook.env.map((entry) => {
      const [key = '', ...value] = entry.split('=');
      return [key, value.join('=')];
    }),
  );
  const child = spawn(hook.path, args, { argv0, env, cwd: '/', stdio: ['pipe', 'inherit', 'inherit'] });
  await once(child, 'spawn');
  return child;
}
