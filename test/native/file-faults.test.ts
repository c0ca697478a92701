import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ContainerSpec, SandboxSpec } from '../../native/index.ts';
import type { KernelGround } from '../contract/kernel-ground.ts';
import { createFaultyFiles } from './faults/faulty-files.ts';

const files = createFaultyFiles();
jest.unstable_mockModule('node:fs', () => files.wrap(fs));
jest.unstable_mockModule('node:fs/promises', () => files.wrap(promises));
const { openKernelGround } = await import('../contract/kernel-ground.ts');
const { containerSpec } = await import('../contract/container-programs.ts');

/** One errno unless the run asks for others: `HOLDFAST_FAULTS=EIO,ENOSPC,EROFS`. */
const errnoNames = (process.env.HOLDFAST_FAULTS || 'ENOSPC').split(',');
const RESOURCES = ['ENOSPC', 'ENOMEM', 'EAGAIN'];

const SANDBOX: SandboxSpec = { id: 'pod', labels: {}, hostname: 'web-0', network: 'private', users: 'private' };

let ground: KernelGround;
let spec: ContainerSpec;

beforeAll(async () => {
  ground = await openKernelGround();
  const limits = { memoryBytes: 2 ** 26, cpuMillis: 500, pids: 64 };
  spec = containerSpec({ sandboxId: 'pod', name: 'app', program: 'stubborn', limits, ground });
});

afterAll(() => ground.close());

interface Case {
  readonly operation: string;
  /** Brings the node to where the operation begins. */
  prepare(): Promise<void>;
  run(): Promise<void>;
  /** What a failed operation leaves: the node as it was, or a part to be done when it is asked for again. */
  readonly undo: 'as before' | 'done again';
  /** Whether nothing of the sandbox is left when it succeeds. */
  readonly clears: boolean;
}

const make = async (): Promise<void> => {
  await ground.backend.createSandbox(SANDBOX);
};
const start = async (): Promise<void> => {
  await make();
  await ground.backend.startContainer(spec);
};

const CASES: readonly Case[] = [
  {
    operation: 'createSandbox',
    prepare: () => ground.backend.removeSandbox('pod'),
    run: () => ground.backend.createSandbox(SANDBOX),
    undo: 'as before',
    clears: false,
  },
  {
    operation: 'startContainer',
    prepare: async () => {
      await start();
      await ground.backend.removeContainer(spec);
    },
    run: () => ground.backend.startContainer(spec),
    undo: 'as before',
    clears: false,
  },
  {
    operation: 'stopContainer',
    prepare: start,
    run: () => ground.backend.stopContainer(spec, { graceMs: 0 }),
    undo: 'done again',
    clears: false,
  },
  {
    operation: 'removeContainer',
    prepare: start,
    run: () => ground.backend.removeContainer(spec),
    undo: 'done again',
    clears: false,
  },
  {
    operation: 'removeSandbox',
    prepare: start,
    run: () => ground.backend.removeSandbox('pod'),
    undo: 'done again',
    clears: true,
  },
];

describe.each(errnoNames)('a call of the file system that fails once with %s', (errnoName) => {
  test.each(CASES)(
    'makes $operation fail by name or does no harm, and leaves nothing',
    async (each) => {
      const problems: string[] = [];
      let nth = 0;
      for (; ; nth += 1) {
        await each.prepare();
        const before = await ground.leftovers('pod');
        files.arm({ nth, errnoName });
        const error = await each.run().then(
          () => null,
          (thrown) => thrown,
        );
        const call = files.disarm();
        if (call === null) break;
        problems.push(
          ...(await problemsOf(each, { error, errnoName, before })).map((problem) => `${call}: ${problem}`),
        );
      }
      expect(problems).toEqual([]);
      expect(nth).toBeGreaterThan(5);
      await ground.backend.removeSandbox('pod');
      expect(await ground.leftovers('pod')).toEqual([]);
    },
    300_000,
  );
});

interface Failed {
  readonly error: unknown;
  readonly errnoName: string;
  readonly before: readonly string[];
}

async function problemsOf(
  { undo, clears, run }: Case,
  { error, errnoName, before }: Failed,
): Promise<readonly string[]> {
  if (error === null) return clears ? ground.leftovers('pod') : [];
  const { name, code, stage, errno } = error as Record<string, unknown>;
  const rightCode = RESOURCES.includes(errnoName) ? 'no-resources' : 'kernel';
  const isTold = name === 'BackendError' && code === rightCode && stage !== '' && errno === errnoName;
  const problems = isTold ? [] : [`throws ${code} at "${stage}" (${errno}): ${error}`];
  if (undo === 'done again') {
    await run();
    return problems;
  }
  const left = (await ground.leftovers('pod')).filter((trace) => !before.includes(trace));
  return [...problems, ...left.map((trace) => `leaves ${trace}`)];
}
