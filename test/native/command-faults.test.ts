import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { CgroupDriver } from '../../native/cgroup/driver.ts';
import type { RuntimeContext } from '../../native/runtime/runtime-context.ts';
import type { BundleStage } from '../runtime/bundle-stage.ts';
import { type FileCase, fileErrnoNames, problemsWithEachCall } from './faults/each-file-call.ts';
import { createFaultyFiles } from './faults/faulty-files.ts';

const files = createFaultyFiles();
jest.unstable_mockModule('node:fs', () => files.wrap(fs));
jest.unstable_mockModule('node:fs/promises', () => files.wrap(promises));
const { commands } = await import('../../native/runtime/commands.ts');
const { createCgroupDriver } = await import('../../native/cgroup/driver.ts');
const { createRuntimeContext } = await import('../../native/runtime/runtime-context.ts');
const { createRuntimeLog } = await import('../../native/runtime/runtime-log.ts');
const { waitUntil } = await import('../../native/process/wait-until.ts');
const { openBundleStage } = await import('../runtime/bundle-stage.ts');
const { patience } = await import('../world/patience.ts');

const ID = 'c';
const EXEC = {
  ...{ processFile: undefined, command: ['echo'], cwd: undefined, env: [], user: '1000:1000' },
  ...{ additionalGids: [7], capabilities: [], apparmorProfile: undefined, selinuxLabel: undefined },
  ...{ hasNoNewPrivileges: true, hasTerminal: false, isLeft: false, consoleSocket: undefined, preservedCount: 0 },
  isPausedIgnored: false,
};

let stage: BundleStage;
let context: RuntimeContext;
let cgroups: CgroupDriver;

beforeAll(async () => {
  stage = await openBundleStage();
  const { directory } = stage;
  await stage.configure('', (config) => {
    config.process.args = ['sleep', '1000'];
    config.linux.resources = { memory: { limit: 2 ** 26, swap: 2 ** 27 }, cpu: { shares: 512, period: 50_000 } };
    const hook = { path: '/bin/busybox', args: ['busybox', 'true'] };
    config.hooks = { createRuntime: [hook], createContainer: [hook], startContainer: [hook] };
  });
  const log = createRuntimeLog({ path: join(directory, 'log'), format: 'text' });
  context = createRuntimeContext(join(directory, 'run'), log);
  cgroups = await createCgroupDriver({ root: stage.cgroupPath });
});

afterAll(() => stage.close());

const remove = (): Promise<void> => commands.delete(context, ID, { isForced: true });
const create = (): Promise<unknown> =>
  commands.create(context, ID, { bundle: stage.bundle, preservedCount: 0, pidFile: join(stage.directory, 'pid') });
const start = (): Promise<void> => commands.start(context, ID);
const statusNow = async (): Promise<unknown> => (await commands.inspect(context, ID)).status;

async function anew(): Promise<void> {
  await remove();
  await create();
}

async function running(): Promise<void> {
  const isThere = (await commands.list(context)).some(({ status }) => status === 'running');
  if (isThere) return;
  await anew();
  await start();
}

/** A signal that nothing heeds can be sent again, as long as there is somebody to send it to. */
async function kill(): Promise<void> {
  await commands.kill(context, ID, { signal: 'SIGURG', isForAll: false });
  await commands.kill(context, ID, { signal: 'SIGURG', isForAll: true });
}

const CASES: readonly FileCase[] = [
  { operation: 'create', prepare: remove, run: create, undo: 'as before', clears: false },
  { operation: 'start', prepare: anew, run: start, undo: 'done again', clears: false },
  {
    operation: 'exec',
    prepare: running,
    run: () => commands.exec(context, ID, { ...EXEC, pidFile: join(stage.directory, 'pid') }),
    undo: 'done again',
    clears: false,
  },
  { operation: 'kill', prepare: running, run: kill, undo: 'done again', clears: false },
  {
    operation: 'update',
    prepare: async () => {
      await running();
      await commands.update(context, ID, { memory: { limit: 2 ** 26, swap: 2 ** 27 }, cpu: { shares: 512 } });
    },
    run: () => commands.update(context, ID, { memory: { limit: 2 ** 25, swap: 2 ** 26 }, cpu: { shares: 300 } }),
    undo: 'done again',
    clears: false,
  },
  { operation: 'delete', prepare: running, run: remove, undo: 'done again', clears: true },
];

/** What a deletion could not remove has lost its name, and the next creation clears it away once this process is gone. */
async function leftovers(): Promise<readonly string[]> {
  const { directory } = stage;
  return [
    ...(await cgroups.list()).map((group) => `cgroup ${group}`),
    ...(await cgroups.pids('')).map((pid) => `process ${pid}`),
    ...(await commands.list(context)).map(({ id }) => `state of ${id}`),
    ...(await promises.readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(directory)),
    ...(await promises.readdir(directory)).filter((name) => name.endsWith('.tmp')),
  ];
}

describe.each(fileErrnoNames)('a call of the file system that fails once with %s', (errnoName) => {
  test.each(CASES)(
    'makes $operation of the runtime fail by name or does no harm, and leaves nothing',
    async (each) => {
      const halfDone = async (): Promise<readonly string[]> => [];
      const { calls, problems } = await problemsWithEachCall(each, { files, leftovers, halfDone }, errnoName);
      expect(problems).toEqual([]);
      expect(calls).toBeGreaterThan(5);
      if (each.operation === 'start') {
        expect(await waitUntil(async () => (await statusNow()) === 'running', patience(10_000))).toBe(true);
      }
      await remove();
      expect(await leftovers()).toEqual([]);
    },
    300_000,
  );
});
