import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { inspect, isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ContainerSpec, Limits, SandboxSpec } from '../../native/index.ts';
import type { KernelGround } from '../contract/kernel-ground.ts';
import { type FileCase, fileErrnoNames, problemsWithEachCall } from './faults/each-file-call.ts';
import { createFaultyFiles } from './faults/faulty-files.ts';

const files = createFaultyFiles();
jest.unstable_mockModule('node:fs', () => files.wrap(fs));
jest.unstable_mockModule('node:fs/promises', () => files.wrap(promises));
const { openKernelGround } = await import('../contract/kernel-ground.ts');
const { canonicalLimits } = await import('../../native/index.ts');
const { containerSpec } = await import('../contract/container-programs.ts');

const SANDBOX: SandboxSpec = { id: 'pod', labels: {}, hostname: 'web-0', network: 'private', users: 'private' };

let ground: KernelGround;
/** With limits of each kind, and with few. */
let limited: ContainerSpec;
let plain: ContainerSpec;

beforeAll(async () => {
  ground = await openKernelGround();
  const limits = { memoryBytes: 2 ** 26, cpuMillis: 500, pids: 64 };
  plain = containerSpec({ sandboxId: 'pod', name: 'app', program: 'stubborn', limits, ground });
  limited = { ...plain, limits: everyLimit(1) };
});

/** @returns a limit of each kind that there is. @param times how much of each that is more or less. */
function everyLimit(times: number): Limits {
  return {
    ...{ memoryBytes: times * 2 ** 26, cpuMillis: times * 500, pids: times * 64 },
    ...{ memoryHighBytes: times * 2 ** 25, swapBytes: times * 2 ** 24, cpuShares: times * 512, cpus: '0', mems: '0' },
    ioDevices: [{ device: ground.disk, readBytesPerSecond: times * 1_000_000, writesPerSecond: times * 100 }],
    ...{ ioWeight: times * 100, hugepages: { '2MB': times * 2 ** 21 } },
  };
}

afterAll(() => ground.close());

const make = async (): Promise<void> => {
  await ground.backend.createSandbox(SANDBOX);
};
const start = async (spec: ContainerSpec): Promise<void> => {
  await make();
  await ground.backend.startContainer(spec);
};

const CASES: readonly FileCase[] = [
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
      await start(limited);
      await ground.backend.removeContainer(limited);
    },
    run: () => ground.backend.startContainer(limited),
    undo: 'as before',
    clears: false,
  },
  {
    operation: 'stopContainer',
    prepare: () => start(plain),
    run: () => ground.backend.stopContainer(plain, { graceMs: 0 }),
    undo: 'done again',
    clears: false,
  },
  {
    operation: 'updateLimits',
    prepare: async () => {
      await start(limited);
      await ground.backend.updateLimits(limited, limited.limits);
    },
    run: () => ground.backend.updateLimits(limited, everyLimit(2)),
    undo: 'as before',
    clears: false,
  },
  {
    operation: 'removeContainer',
    prepare: () => start(limited),
    run: () => ground.backend.removeContainer(limited),
    undo: 'done again',
    clears: false,
  },
  {
    operation: 'removeSandbox',
    prepare: () => start(plain),
    run: () => ground.backend.removeSandbox('pod'),
    undo: 'done again',
    clears: true,
  },
];

describe.each(fileErrnoNames)('a call of the file system that fails once with %s', (errnoName) => {
  test.each(CASES)(
    'makes $operation fail by name or does no harm, and leaves nothing',
    async (each) => {
      const leftovers = (): Promise<readonly string[]> => ground.leftovers('pod');
      const { calls, problems } = await problemsWithEachCall(each, { files, leftovers, halfDone }, errnoName);
      expect(problems).toEqual([]);
      expect(calls).toBeGreaterThan(5);
      await ground.backend.removeSandbox('pod');
      expect(await ground.leftovers('pod')).toEqual([]);
    },
    300_000,
  );
});

/** Limits that are neither all as they were nor all as they were to be. */
async function halfDone(): Promise<readonly string[]> {
  const { sandboxes } = await ground.backend.observe();
  return sandboxes.flatMap(({ containers }) =>
    containers.flatMap(({ kernel, applied }) =>
      kernel === null || isDeepStrictEqual(kernel, canonicalLimits(applied)) ? [] : [`leaves ${inspect(kernel)}`],
    ),
  );
}
