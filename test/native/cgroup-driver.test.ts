import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { canonicalLimits } from '../../native/cgroup/limits.ts';
import { type CgroupStage, NONE, openCgroupStage, SOME } from './cgroup-stage.ts';

let stage: CgroupStage;
let driver: CgroupDriver;

beforeEach(async () => {
  stage = await openCgroupStage();
  driver = stage.driver;
});

afterEach(() => stage.close());

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

  test('below the memory in use are refused, and everything stays as it was', async () => {
    await driver.create('pod', SOME);
    await stage.runIn('pod', 'busybox dd if=/dev/zero bs=20M count=1 | busybox sleep 1000');
    const usage = stage.fileOf('pod', 'memory.usage_in_bytes', 'memory.current');
    await stage.waitFor(async () => Number(await readFile(usage, 'utf8')) > 20 * 2 ** 20);
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
    await stage.runIn('pod/app', 'busybox tail -c 100000000 /dev/zero');
    await stage.waitFor(async () => (await driver.oomKills('pod/app')) > 0);
    expect(await driver.oomKills('pod')).toBe(await driver.oomKills('pod/app'));
    expect(await driver.oomKills('other')).toBe(0);
  });
});

describe('processes', () => {
  test('are found in the group and below it', async () => {
    await driver.create('pod/app', SOME);
    const { pid } = await stage.runIn('pod/app', 'exec busybox sleep 1000');
    expect(await driver.pids('pod')).toEqual([pid]);
    expect(await driver.pids('pod/app')).toEqual([pid]);
    expect(await driver.pids('gone')).toEqual([]);
  });

  test('are found and killed once, though below them a group is threaded', async () => {
    await driver.create('pod', NONE);
    const { pid } = await stage.runIn('pod', 'exec busybox sleep 1000');
    const threaded = stage.fileOf('pod', 'cgroup.type').replace('cgroup.type', 'threads');
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
    await stage.runIn('pod/app', 'trap "" TERM; busybox sleep 1000 & busybox sleep 1000');
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
    expect(await driver.read('pod')).toEqual(NONE);
    await driver.kill('pod');
    await driver.kill('gone');
  });

  test('are killed though they fork without end', async () => {
    await driver.create('pod', { ...NONE, pids: 30_000 });
    await stage.runIn('pod', 'f() { f & }; f; f; f; f; f; f; f; f; exec busybox sleep 1000');
    await stage.waitFor(async () => (await driver.pids('pod')).length > 2);
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
    expect((await driver.read('pod'))?.pids).toBe(30_000);
  });

  test('are not killed when this process is one of them', async () => {
    await driver.create('pod', NONE);
    const entry = stage.fileOf('pod', 'pids.max').replace(/[^/]+$/, 'cgroup.procs');
    await writeFile(entry, String(process.pid));
    await expect(driver.kill('pod')).rejects.toMatchObject({ code: 'invalid-spec' });
    await writeFile(entry.replace(stage.root, '').replace('/pod', ''), String(process.pid));
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

  test('are not removed while a process is inside', async () => {
    await driver.create('pod', NONE);
    const { pid } = await stage.runIn('pod', 'exec busybox sleep 1000');
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
});
