import { randomUUID } from 'node:crypto';
import { type SimpleGit, simpleGit } from 'simple-git';
import type { Environment } from './git-environment.ts';
import { killMarked, MARK } from './marked-processes.ts';
import { redact } from './redact.ts';
import { SourceError } from './source.ts';

/** One git command. */
export interface GitCall {
  readonly args: readonly string[];
  /** Written to its standard input. */
  readonly input?: string;
  /** Added to the environment of this call. */
  readonly environment?: Environment;
  /** It is ended when it writes more than this to standard output; 1 MiB unless given. */
  readonly maxOutputBytes?: number;
  /** Ends it from outside. */
  readonly signal?: AbortSignal;
}

/** How a git command ended. */
export interface GitResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** With credentials and control characters taken out. */
  readonly stderr: string;
  /** Why it was ended before its time, or null. */
  readonly stopped: 'timeout' | 'output' | 'signal' | null;
}

/** Git on one repository. */
export interface Git {
  /** The git directory. */
  readonly directory: string;
  /** Runs a command and reports how it ended, whatever that is. @throws SourceError `local-copy` when git cannot be started. */
  run(call: GitCall): Promise<GitResult>;
  /** Runs a command that fails only when the local repository is damaged. @returns standard output. @throws SourceError */
  read(call: GitCall): Promise<Buffer>;
}

export interface GitOptions {
  readonly directory: string;
  readonly environment: Environment;
  readonly timeoutMs: number;
  /** Never shown in an error. */
  readonly secrets: readonly string[];
}

/** Exactly what the fixed arguments and the fixed environment need; neither takes anything from a repository. */
const ALLOWED = {
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeTemplateDir: true,
};

const DEFAULT_OUTPUT_BYTES = 1024 * 1024;

/** @returns git bound to a bare repository, which must be an existing directory when a command runs. */
export function createGit(options: GitOptions): Git {
  const run = (call: GitCall): Promise<GitResult> => runGit(options, call);
  return { directory: options.directory, run, read: async (call) => expectSuccess(call, await run(call)) };
}

async function runGit(options: GitOptions, call: GitCall): Promise<GitResult> {
  const mark = randomUUID();
  const limits = startLimits(options.timeoutMs, call.signal);
  const output: Output = { stdout: [], stderr: [], exitCode: -1 };
  try {
    await Promise.race([prepare(options, { call, output, limits, mark }).raw([...call.args]), limits.overdue]);
  } catch (error) {
    if (!limits.signal.aborted) throw new SourceError('local-copy', `git could not be run: ${error}`);
  } finally {
    limits.end();
  }
  if (limits.signal.aborted) await killMarked(mark);
  else if (output.exitCode < 0)
    throw new SourceError('local-copy', 'git could not be started, or was killed; install git, check PATH');
  const stderr = redact(Buffer.concat(output.stderr).toString('utf8'), options.secrets);
  return { exitCode: output.exitCode, stdout: Buffer.concat(output.stdout), stderr, stopped: limits.stopped() };
}

interface Output {
  readonly stdout: Buffer[];
  readonly stderr: Buffer[];
  exitCode: number;
}

interface Preparation {
  readonly call: GitCall;
  readonly output: Output;
  readonly limits: Limits;
  /** Marks git and everything it starts. */
  readonly mark: string;
}

/** simple-git for one command, with its output and exit code going into `output` whatever they are. */
function prepare(options: GitOptions, { call, output, limits, mark }: Preparation): SimpleGit {
  const environment = { ...options.environment, ...call.environment, GIT_DIR: options.directory, [MARK]: mark };
  const git = simpleGit({
    baseDir: options.directory,
    abort: limits.signal,
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
    unsafe: ALLOWED,
    // The output is complete when the pipes close, which can be after the exit.
    completion: { onClose: true, onExit: false },
    input: () => call.input,
    errors: (_error, result) => {
      output.exitCode = result.exitCode ?? -1;
      return undefined;
    },
  });
  const keepIn = (chunks: Buffer[], maxBytes: number) => {
    let bytes = 0;
    return (chunk: Buffer): void => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) limits.stop('output');
    };
  };
  return git.env(environment).outputHandler((_command, stdout, stderr) => {
    stdout.on('data', keepIn(output.stdout, call.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES));
    stderr.on('data', keepIn(output.stderr, DEFAULT_OUTPUT_BYTES));
  });
}

interface Limits {
  /** Ends git. */
  readonly signal: AbortSignal;
  /** Resolves a second after git was told to end: time for it to remove its locks, not for children that hold its pipes. */
  readonly overdue: Promise<void>;
  stop(reason: 'timeout' | 'output' | 'signal'): void;
  stopped(): GitResult['stopped'];
  end(): void;
}

const GRACE_MS = 1_000;

function startLimits(timeoutMs: number, outer: AbortSignal | undefined): Limits {
  const controller = new AbortController();
  const overdue = Promise.withResolvers<void>();
  let reason: GitResult['stopped'] = null;
  let timer = setTimeout(() => stop('timeout'), timeoutMs);
  const stop: Limits['stop'] = (why) => {
    if (reason !== null) return;
    reason = why;
    clearTimeout(timer);
    timer = setTimeout(overdue.resolve, GRACE_MS);
    controller.abort();
  };
  const onAbort = (): void => stop('signal');
  outer?.addEventListener('abort', onAbort);
  return {
    signal: controller.signal,
    overdue: overdue.promise,
    stop,
    stopped: () => reason,
    end: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

function expectSuccess(call: GitCall, result: GitResult): Buffer {
  if (result.exitCode === 0 && result.stopped === null) return result.stdout;
  if (result.stopped === 'output') {
    throw new SourceError(
      'too-large',
      `git ${call.args[0]} wrote more than allowed; the commit has too many or too large files`,
    );
  }
  const why = result.stopped === 'timeout' ? 'took too long' : `failed with ${result.exitCode}`;
  throw new SourceError('local-copy', `git ${call.args[0]} ${why} in the local copy: ${result.stderr}`);
}
