import { constants } from 'node:os';
import type { Attempt, Fault, Outcome } from './attempt.ts';
import type { ShimCall } from './injector.ts';

const { errno: ERRNOS } = constants;

/** One errno unless the run asks for others: `HOLDFAST_FAULTS=EIO,ENOMEM,EPERM`. */
export const errnoNames = (process.env.HOLDFAST_FAULTS || 'EIO').split(',') as readonly (keyof typeof ERRNOS)[];

/** close(2) frees the descriptor whatever it says, and these cannot fail; not making them would be another fault. */
const INFALLIBLE = new Set(['close', 'exit', 'exit_group', 'umask', 'getpid']);
/** Without them nobody is left who could tell: the program dies as it starts, or has no socket. */
const SILENT = new Set(['arch_prctl', 'sendto']);
/** How often they are called depends on when the container's pipes close. */
const UNSTEADY = new Set(['waitid', 'poll', 'read', 'ioctl']);
/** What makes an attempt of one kind. */
export type Try = (fault: Fault | null) => Promise<Attempt>;

/**
 * Makes every call that a shim makes fail once. @param names of the calls to fail, when not all.
 * @returns what is wrong with an attempt: a failure that tells not why, a difference to an attempt without faults, or what is left. And how many calls there were.
 */
export async function problemsWithEach(
  attempt: Try,
  errnoName: keyof typeof ERRNOS,
  names: RegExp = /./,
): Promise<{ readonly calls: number; readonly problems: readonly string[] }> {
  const flawless = await attempt(null);
  const problems = [...problemsOf(flawless, { flawless, at: null, errnoName })];
  const calls = problems.length > 0 ? [] : faultyCalls(flawless.calls).filter(({ name }) => names.test(name));
  for (const at of calls) {
    const found = problemsOf(await attempt({ at, errno: ERRNOS[errnoName] }), { flawless, at, errnoName });
    problems.push(...found.map((problem) => `${at.name} ${at.nth} of process ${at.process}: ${problem}`));
  }
  return { calls: calls.length, problems };
}

/** Every call but those that cannot fail, the execveat that is the injector's own, and what the programs call that are started. */
function faultyCalls(calls: readonly ShimCall[]): readonly ShimCall[] {
  const exec = (process: number): number =>
    calls.findIndex((call) => call.process === process && call.name === 'execve');
  return calls
    .filter(({ process }, index) => exec(process) < 0 || index <= exec(process))
    .filter(({ process, name }) => !INFALLIBLE.has(name) && !(process === 0 && name === 'execveat'));
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
  if (JSON.stringify(exit) !== JSON.stringify(flawless.exit) && !isLost(exit))
    problems.push(`ends as ${JSON.stringify(exit)}`);
  return problems;
}

/** The caller of a program is told that nobody saw how it ended. */
function isLost(exit: unknown): boolean {
  return exit !== null && typeof exit === 'object' && 'lost' in exit && exit.lost === true;
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
  if (typeof step === 'string' && step.endsWith(' hook') && isToldByHook(error, at, errnoName)) return [];
  // Nobody has asked for the start yet who could be told why it will not come.
  if (at?.name === 'accept4' && (step === 'start' || step === 'check status')) return [];
  // Its word to the shim is lost, and with it the reason; the C library makes EPERM of a mapping ENOMEM,
  // and EBADF of a directory whose flags it cannot ask for.
  if (at?.name === 'fcntl' && step === 'copy up' && errno === 'EBADF') return [];
  if ((at?.name === 'write' && errno === 'ESRCH') || (at?.name === 'mmap' && errno === 'ENOMEM')) return [];
  return [`fails without a reason: ${code}, stage "${step}", ${errno}`];
}

/** A hook's failure is told by the stage of the hook, with what its shim says. */
function isToldByHook(error: unknown, at: ShimCall | null, errnoName: string): boolean {
  // The C library makes EPERM of a mapping ENOMEM.
  const told = at?.name === 'mmap' ? ['ENOMEM', errnoName] : [errnoName];
  return SILENT.has(at?.name ?? '') || told.some((each) => `${error}`.includes(`failed with ${each}`));
}
