import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { buildInjector, type Injector, type ShimCall } from './faults/injector.ts';

const run = promisify(execFile);
const { errno: ERRNOS } = constants;

/** One errno unless the run asks for others: `HOLDFAST_FAULTS=EIO,ENOMEM,EPERM`. */
const errnoNames = (process.env.HOLDFAST_FAULTS || 'EIO').split(',') as readonly (keyof typeof ERRNOS)[];

/** close(2) frees the descriptor whatever it says, and a process that must end does. */
const INFALLIBLE = new Set(['close', 'exit', 'exit_group']);

let directory: TempDir;
let injector: Injector;

beforeAll(async () => {
  directory = await makeTempDir();
  const program = join(directory.path, 'spawn-once');
  const native = fileURLToPath(new URL('../../native', import.meta.url));
  const sources = (await readdir(join(native, 'src'))).filter((name) => name.endsWith('.c'));
  const fixture = fileURLToPath(new URL('./faults/spawn-once.c', import.meta.url));
  const files = [fixture, ...sources.map((name) => join(native, 'src', name))];
  await run('gcc', [
    '-std=gnu11',
    '-D_GNU_SOURCE',
    '-O1',
    '-I',
    join(native, 'include'),
    '-o',
    program,
    ...files,
    '-lseccomp',
  ]);
  injector = await buildInjector(program);
});

afterAll(async () => {
  await injector.remove();
  await directory.remove();
});

describe.each(errnoNames)('a system call of the library that fails once with %s', (errnoName) => {
  test('while it spawns a shim, is told by name or does no harm, and leaves no descriptor and no child', async () => {
    expect(await outcome(null, errnoName)).toEqual([]);
    const calls = ownCalls(await injector.calls());
    expect(calls.length).toBeGreaterThan(20);
    const problems: string[] = [];
    for (const at of calls) {
      const found = await outcome(at, errnoName);
      problems.push(...found.map((problem) => `${at.name} ${at.nth} of process ${at.process}: ${problem}`));
    }
    expect(problems).toEqual([]);
  }, 120_000);
});

/** @returns what is wrong with a spawn that meets one fault, or none. */
async function outcome(at: ShimCall | null, errnoName: keyof typeof ERRNOS): Promise<readonly string[]> {
  await injector.arm(at === null ? null : { at, errno: ERRNOS[errnoName] });
  const { stdout } = await run(injector.shimPath);
  const [errnum, stage, descriptors, hasChild] = stdout.trim().split('|');
  const isTold = errnum === '0' || (errnum === String(ERRNOS[errnoName]) && stage !== '');
  return [
    ...(isTold || at === null ? [] : [`fails with ${errnum} at "${stage}"`]),
    ...(at === null && errnum !== '0' ? [`fails without a fault: ${stdout}`] : []),
    ...(descriptors === '0' ? [] : [`leaves ${descriptors} descriptors`]),
    ...(hasChild === '0' ? [] : ['leaves a child']),
  ];
}

/** From mark to mark in the spawning process, all of the shim's lost parent, and to its execveat in the shim. */
function ownCalls(calls: readonly ShimCall[]): readonly ShimCall[] {
  const own = calls.filter(({ process }) => process === 0);
  const isMark = ({ name }: ShimCall): boolean => name === 'getppid';
  const between = own.slice(own.findIndex(isMark) + 1, own.findLastIndex(isMark));
  const parent = calls.filter(({ process }) => process === 1);
  const spawned = calls.filter(({ process }) => process === 2);
  const untilExec = spawned.slice(0, spawned.findIndex(({ name }) => name === 'execveat') + 1);
  return [...between, ...parent, ...untilExec].filter(({ name }) => !INFALLIBLE.has(name));
}
