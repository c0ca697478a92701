import type { FaultyFiles } from './faulty-files.ts';

/** An operation whose calls of the file system are made to fail, one at a time. */
export interface FileCase {
  readonly operation: string;
  /** Brings the node to where the operation begins. */
  prepare(): Promise<void>;
  run(): Promise<unknown>;
  /** What a failed operation leaves: the node as it was, or a part to be done when it is asked for again. */
  readonly undo: 'as before' | 'done again';
  /** Whether nothing is left when it succeeds. */
  readonly clears: boolean;
}

/** What there is beside the operations. */
export interface FileGround {
  readonly files: FaultyFiles;
  /** @returns what is there of it now. */
  leftovers(): Promise<readonly string[]>;
  /** @returns what is neither as it was nor as it was to be. */
  halfDone(): Promise<readonly string[]>;
}

/** One errno unless the run asks for others: `HOLDFAST_FAULTS=EIO,ENOSPC,EROFS`. */
export const fileErrnoNames = (process.env.HOLDFAST_FAULTS || 'ENOSPC').split(',');

const RESOURCES = ['ENOSPC', 'ENOMEM', 'EAGAIN'];

/** Makes every call that an operation makes fail once. @returns how many calls there were, and what was wrong. */
export async function problemsWithEachCall(
  each: FileCase,
  ground: FileGround,
  errnoName: string,
): Promise<{ readonly calls: number; readonly problems: readonly string[] }> {
  const { files } = ground;
  const problems: string[] = [];
  for (let nth = 0; ; nth += 1) {
    await each.prepare();
    const before = await ground.leftovers();
    files.arm({ nth, errnoName });
    const error = await each.run().then(
      () => null,
      (thrown) => thrown,
    );
    const call = files.disarm();
    if (call === null) return { calls: nth, problems };
    const found = await problemsOf(each, ground, { error, errnoName, before });
    problems.push(...found.map((problem) => `${call}: ${problem}`));
  }
}

interface Failed {
  readonly error: unknown;
  readonly errnoName: string;
  readonly before: readonly string[];
}

async function problemsOf(
  { undo, clears, run }: FileCase,
  ground: FileGround,
  { error, errnoName, before }: Failed,
): Promise<readonly string[]> {
  if (error === null) return clears ? ground.leftovers() : [];
  const { name, code, stage, errno } = error as Record<string, unknown>;
  const rightCode = RESOURCES.includes(errnoName) ? 'no-resources' : 'kernel';
  // Of a control file the errno may be the kernel's word on the value; a hook is told of by its own stage.
  const isOfLimits = code === 'unsupported' && stage === 'set limits' && errno === errnoName;
  const isOfHook = code === 'exec-failed' && `${stage}`.endsWith(' hook') && `${error}`.includes(errnoName);
  const isOfCall = code === rightCode && stage !== '' && errno === errnoName;
  const isTold = name === 'BackendError' && (isOfCall || isOfLimits || isOfHook);
  const problems = isTold ? [] : [`throws ${code} at "${stage}" (${errno}): ${error}`];
  if (undo === 'done again') {
    const again = await run().then(
      () => [],
      (thrown) => [`cannot be done again: ${thrown}`],
    );
    return [...problems, ...again];
  }
  const left = (await ground.leftovers()).filter((trace) => !before.includes(trace));
  return [...problems, ...left.map((trace) => `leaves ${trace}`), ...(await ground.halfDone())];
}
