import { constants } from 'node:os';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type Attempt,
  type FaultStage,
  type Outcome,
  openFaultStage,
  type SandboxChanges,
} from './faults/fault-stage.ts';
import type { ShimCall } from './faults/injector.ts';

const { errno: ERRNOS } = constants;

/** One errno unless the run asks for others: `HOLDFAST_FAULTS=EIO,ENOMEM,EPERM`. */
const errnoNames = (process.env.HOLDFAST_FAULTS || 'EIO').split(',') as readonly (keyof typeof ERRNOS)[];

/** close(2) frees the descriptor whatever it says, and these cannot fail; not making them would be another fault. */
const INFALLIBLE = new Set(['close', 'exit', 'exit_group', 'umask', 'getpid']);
/** Without them nobody is left who could tell: the program dies as it starts, or has no socket. */
const SILENT = new Set(['arch_prctl', 'sendto']);
/** How often they are called depends on when the container's pipes close. */
const UNSTEADY = new Set(['waitid', 'poll', 'read', 'ioctl']);
/** Made by the container's first process. */
const INIT = 2;

let stage: FaultStage;

afterEach(() => stage.close());

const PODS: readonly SandboxChanges[] = [
  {},
  { processes: 'shared', sysctls: { 'net.ipv4.ip_default_ttl': '33', 'kernel.shmmni': '100' } },
  { processes: 'host', ipc: 'host' },
];

describe.each(errnoNames)('a system call of the shim that fails once with %s', (errnoName) => {
  test.each(PODS.flatMap((changes) => (['sandbox', 'container'] as const).map((kind) => [kind, changes] as const)))(
    'while a %s of %j is made, used and removed, is told by name or does no harm, and leaves nothing',
    async (kind, changes) => {
      stage = await openFaultStage(changes);
      const flawless = await stage[kind](null);
      expect(problemsOf(flawless, { flawless, at: null, errnoName })).toEqual([]);
      const calls = faultyCalls(flawless.calls);
      expect(calls.length).toBeGreaterThan(80);
      const problems: string[] = [];
      for (const at of calls) {
        const attempt = await stage[kind]({ at, errno: ERRNOS[errnoName] });
        const found = problemsOf(attempt, { flawless, at, errnoName });
        problems.push(...found.map((problem) => `${at.name} ${at.nth} of process ${at.process}: ${problem}`));
      }
      expect(problems).toEqual([]);
    },
    300_000,
  );
});

/** Every call but those that cannot fail, the execve that is the injector's own, and what the container's program calls. */
function faultyCalls(calls: readonly ShimCall[]): readonly ShimCall[] {
  const exec = calls.findIndex(({ process, name }) => process === INIT && name === 'execve');
  return calls
    .filter(({ process }, index) => process !== INIT || exec < 0 || index <= exec)
    .filter(({ process, name }) => !INFALLIBLE.has(name) && !(process === 0 && name === 'execve'));
}

interface Expected {
  readonly flawless: Attempt;
  /** Null when nothing is to fail. */
  readonly at: ShimCall | null;
  readonly errnoName: string;
}

function problemsOf(
  { start, stop, exit, left, calls }: Attempt,
  { flawless, at, errnoName }: Expected,
): readonly string[] {
  const problems = left.map((trace) => `leaves ${trace}`);
  const isMade = at === null || calls.some((call) => JSON.stringify(call) === JSON.stringify(at));
  if (!isMade && !UNSTEADY.has(at.name)) problems.push('was not called');
  if (start.state === 'failed') return [...problems, ...problemsOfError(start.error, at, errnoName)];
  if (stop?.state === 'failed') problems.push(`cannot be stopped: ${stop.error}`);
  problems.push(...differences(start, flawless.start));
  if (JSON.stringify(exit) !== JSON.stringify(flawless.exit)) problems.push(`ends as ${JSON.stringify(exit)}`);
  return problems;
}

/** What the record says was refused in full may differ. */
function differences(start: Outcome, flawless: Outcome): readonly string[] {
  const [actual, expected] = [start, flawless].map((each) => (each.state === 'done' ? each.portrait : null));
  if (!actual || !expected) return actual === expected ? [] : ['is not there'];
  return Object.keys(expected)
    .filter((key) => actual[key] !== 'clamped' && JSON.stringify(actual[key]) !== JSON.stringify(expected[key]))
    .map((key) => `has ${key} ${JSON.stringify(actual[key])}, not ${JSON.stringify(expected[key])}`);
}

function problemsOfError(error: unknown, at: ShimCall | null, errnoName: string): readonly string[] {
  const { name, code, stage: step, errno } = error as Record<string, unknown>;
  if (name !== 'BackendError' || typeof code !== 'string') return [`throws ${error}`];
  const isSilent = at !== null && SILENT.has(at.name) && step === 'read shim report';
  if (isSilent || (typeof step === 'string' && step !== '' && errno === errnoName)) return [];
  // Its word to the shim is lost, and with it the reason; the C library makes EPERM of a mapping ENOMEM.
  if ((at?.name === 'write' && errno === 'ESRCH') || (at?.name === 'mmap' && errno === 'ENOMEM')) return [];
  return [`fails without a reason: ${code}, stage "${step}", ${errno}`];
}
