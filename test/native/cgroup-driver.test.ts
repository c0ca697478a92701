import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Limits } from '../../native/backend.ts';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { canonicalLimits } from '../../native/cgroup/limits.ts';
import { parseCgroupMounts } from '../../native/cgroup/mounts.ts';
import { type Program, startProgram } from '../world/program.ts';

const NONE: Limits = { memoryBytes: null, cpuMillis: null, pids: null };
const SOME: Limits = { memoryBytes: 64 * 2 ** 20, cpuMillis: 250, pids: 32 };

let driver: CgroupDriver;
let root: string;
let programs: Program[];

beforeEach(async () => {
  root = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  driver = await createCgroupDriver({ root });
  programs = [];
});

afterEach(async () => {
  await driver.kill('');
  await Promise.all(programs.map((program) => program.kill()));
  await driver.remove('');
  expect(driver.entryFiles('').map(dirname).filter(existsSync)).toEqual([]);
});

/** Runs a shell script as a member of the group, in the hierarchies given. */
async function runIn(group: string, script: string, entries = driver.entryFiles(group)): Promise<Program> {
  const enter = entries.map((file) => `echo 0 > ${file} && `).join('');
  const program = await startProgram({
    command: '/bin/busybox',
    args: ['sh', '-c', `${enter}echo entered; ${script}`],
    ready: /entered/,
  });
  programs.push(program);
  return program;
}

/** The group's directory in the hierarchy that has the control file. */
function fileOf(group: string, name: string): string {
  const path = driver
    .entryFiles(group)
    .map((entry) => `${dirname(entry)}/${name}`)
    .find(existsSync);
  if (path === undefined) throw new Error(`no hierarchy has ${name}`);
  return path;
}

function freezerOf(group: string): Promise<string> {
  return readFile('/proc/self/mountinfo', 'utf8').then(
    (table) => `${parseCgroupMounts(table).v1.get('freezer')}${root}/${group}`,
  );
}

describe('limits', () => {
  test('are none in a new group that asks for none, and what was asked for otherwise', async () => {
    await driver.create('pod', NONE);
    await driver.create('pod/app', SOME);
    expect(await driver.read('pod')).toEqual(NONE);
    expect(await driver.read('pod/app')).toEqual(SOME);
  });

  test('are given back exactly as canonicalLimits has them, whatever the order of changes', async () => {
    await driver.create('pod', NONE);
    const limits = fc.record({
      memoryBytes: fc.option(
        fc.oneof(fc.integer({ min: 1, max: 2 ** 40 }), fc.maxSafeInteger().map(Math.abs), fc.constant(2 ** 70)),
      ),
      cpuMillis: fc.option(fc.oneof(fc.integer({ min: 1, max: 256_000 }), fc.constant(2 ** 50))),
      pids: fc.option(fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.constant(2 ** 31))),
    });
    await fc.assert(
      fc.asyncProperty(limits, async (asked) => {
        await driver.update('pod', asked);
        expect(await driver.read('pod')).toEqual(canonicalLimits(asked));
        expect(canonicalLimits(canonicalLimits(asked))).toEqual(canonicalLimits(asked));
      }),
      { numRuns: 150 },
    );
  });

  test('hold memory and swap together', async () => {
    await driver.create('pod', SOME);
    for (const memoryBytes of [32, 128, 96, 256, 16].map((mebibytes) => mebibytes * 2 ** 20)) {
      await driver.update('pod', { ...SOME, memoryBytes });
      expect(Number(await readFile(fileOf('pod', 'memory.memsw.limit_in_bytes'), 'utf8'))).toBe(memoryBytes);
    }
  });

  test('changed by somebody else are seen, and healed by an update', async () => {
    await driver.create('pod', SOME);
    await writeFile(fileOf('pod', 'memory.memsw.limit_in_bytes'), '-1');
    await writeFile(fileOf('pod', 'memory.limit_in_bytes'), String(80 * 2 ** 20));
    await writeFile(fileOf('pod', 'cpu.cfs_period_us'), '50000');
    await writeFile(fileOf('pod', 'pids.max'), 'max');
    expect(await driver.read('pod')).toEqual({ memoryBytes: 80 * 2 ** 20, cpuMillis: 500, pids: null });
    await driver.update('pod', SOME);
    expect(await driver.read('pod')).toEqual(SOME);
  });

  test('below the memory in use are refused, and everything stays as it was', async () => {
    await driver.create('pod', SOME);
    await runIn('pod', 'busybox dd if=/dev/zero bs=20M count=1 | busybox sleep 1000');
    const usage = fileOf('pod', 'memory.usage_in_bytes');
    await waitFor(async () => Number(await readFile(usage, 'utf8')) > 20 * 2 ** 20);
    const lower = { memoryBytes: 4 * 2 ** 20, cpuMillis: 100, pids: 8 };
    await expect(driver.update('pod', lower)).rejects.toMatchObject({ code: 'no-resources', errno: 'EBUSY' });
    expect(await driver.read('pod')).toEqual(SOME);
  });

  test('of a group that is gone: reading says null, setting says not-found', async () => {
    expect(await driver.read('pod')).toBeNull();
    await expect(driver.update('pod', SOME)).rejects.toMatchObject({ code: 'not-found', errno: 'ENOENT' });
  });

  test('are enforced: the process that takes too much memory is killed and counted', async () => {
    await driver.create('pod', NONE);
    await driver.create('pod/app', { ...SOME, memoryBytes: 8 * 2 ** 20 });
    await runIn('pod/app', 'busybox tail -c 100000000 /dev/zero; echo ended $?; busybox sleep 1000');
    await waitFor(async () => programs[0]?.output().includes('ended 137') ?? false);
    expect(await driver.oomKills('pod/app')).toBe(1);
    expect(await driver.oomKills('pod')).toBe(1);
    expect(await driver.oomKills('other')).toBe(0);
  });
});

describe('processes', () => {
  test('are found in the group, below it, and in one hierarchy alone', async () => {
    await driver.create('pod/app', SOME);
    const { pid: inner } = await runIn('pod/app', 'exec busybox sleep 1000');
    const { pid: outer } = await runIn('pod', 'exec busybox sleep 1000');
    const { pid: partial } = await runIn('pod/app', 'exec busybox sleep 1000', [
      fileOf('pod/app', 'memory.limit_in_bytes').replace(/[^/]+$/, 'cgroup.procs'),
    ]);
    expect(await driver.pids('pod')).toEqual([inner, outer, partial].sort((a, b) => a - b));
    expect(await driver.pids('pod/app')).toEqual([inner, partial].sort((a, b) => a - b));
    expect(await driver.pids('gone')).toEqual([]);
  });

  test('are found and killed once, though below them a group is threaded', async () => {
    await driver.create('pod', NONE);
    const { pid } = await runIn('pod', 'exec busybox sleep 1000');
    const threaded = fileOf('pod', 'cgroup.type').replace('cgroup.type', 'threads');
    await mkdir(threaded);
    await writeFile(`${threaded}/cgroup.type`, 'threaded');
    await writeFile(`${threaded}/cgroup.threads`, String(pid));
    expect(await driver.pids('pod')).toEqual([pid]);
    await driver.kill('pod');
    await driver.remove('pod');
    expect(await driver.list()).toEqual([]);
  });

  test('are all killed, and limits stay', async () => {
    await driver.create('pod/app', SOME);
    await runIn('pod/app', 'trap "" TERM; busybox sleep 1000 & busybox sleep 1000');
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
    expect(await driver.read('pod')).toEqual(NONE);
    await driver.kill('pod');
    await driver.kill('gone');
  });

  test('are killed though they fork without end', async () => {
    await driver.create('pod', { ...NONE, pids: 30_000 });
    await runIn('pod', 'f() { f & }; f; f; f; f; f; f; f; f; exec busybox sleep 1000');
    await waitFor(async () => (await driver.pids('pod')).length > 2);
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
    expect((await driver.read('pod'))?.pids).toBe(30_000);
  });

  test('are killed though they fork and are in one hierarchy alone', async () => {
    await driver.create('pod', NONE);
    const entry = fileOf('pod', 'memory.limit_in_bytes').replace(/[^/]+$/, 'cgroup.procs');
    await runIn('pod', 'while :; do busybox true & busybox true & wait; done', [entry]);
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
  });

  test('are killed though somebody froze them', async () => {
    await driver.create('pod', NONE);
    const freezer = await freezerOf('pod');
    await mkdir(freezer, { recursive: true });
    await runIn('pod', 'exec busybox sleep 1000', [...driver.entryFiles('pod'), `${freezer}/cgroup.procs`]);
    await writeFile(`${freezer}/freezer.state`, 'FROZEN');
    await writeFile(fileOf('pod', 'cgroup.freeze'), '1');
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
  });

  test('are not killed when this process is one of them', async () => {
    await driver.create('pod', NONE);
    const entry = fileOf('pod', 'pids.max').replace(/[^/]+$/, 'cgroup.procs');
    await writeFile(entry, String(process.pid));
    await expect(driver.kill('pod')).rejects.toMatchObject({ code: 'invalid-spec' });
    await writeFile(entry.replace(root, '').replace('/pod', ''), String(process.pid));
  });
});

describe('groups', () => {
  test('are made once and again, listed parents first, and removed with all below', async () => {
    await driver.create('b/x/y', SOME);
    await driver.create('b/x/y', SOME);
    await driver.create('a', NONE);
    expect(await driver.list()).toEqual(['a', 'b', 'b/x', 'b/x/y']);
    await driver.remove('b');
    await driver.remove('b');
    expect(await driver.list()).toEqual(['a']);
  });

  test('that exist in one hierarchy alone are listed and removed', async () => {
    const freezer = await freezerOf('strange/one');
    await mkdir(freezer, { recursive: true });
    expect(await driver.list()).toEqual(['strange', 'strange/one']);
    await driver.remove('strange');
    expect(await driver.list()).toEqual([]);
  });

  test('are not removed while a process is inside', async () => {
    await driver.create('pod', NONE);
    const { pid } = await runIn('pod', 'exec busybox sleep 1000');
    await expect(driver.remove('pod')).rejects.toMatchObject({ code: 'kernel', errno: 'EBUSY' });
    expect(await driver.pids('pod')).toEqual([pid]);
  });

  test('have names that cannot leave the root', async () => {
    for (const name of ['..', 'a/../..', '/a', 'a//b', './a', 'a\nb']) {
      await expect((async () => driver.create(name, NONE))()).rejects.toMatchObject({ code: 'invalid-spec' });
      await expect((async () => driver.remove(name))()).rejects.toMatchObject({ code: 'invalid-spec' });
    }
    await expect(createCgroupDriver({ root: '/' })).rejects.toMatchObject({ code: 'invalid-spec' });
  });

  test('half made are taken back when a limit is refused', async () => {
    await driver.create('pod', { ...NONE, cpuMillis: 100 });
    await expect(driver.create('pod/app', { ...NONE, cpuMillis: 500 })).rejects.toMatchObject({
      code: 'kernel',
      errno: 'EINVAL',
    });
    expect(await driver.list()).toEqual(['pod']);
  });
});

async function waitFor(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline)
      throw new Error(`did not happen: ${isTrue}; ${programs.map((program) => program.output())}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
