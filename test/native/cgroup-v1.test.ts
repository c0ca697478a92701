import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CgroupDriver } from '../../native/cgroup/driver.ts';
import { parseCgroupMounts } from '../../native/cgroup/mounts.ts';
import { type CgroupStage, NONE, openCgroupStage, SOME } from './cgroup-stage.ts';

let stage: CgroupStage;
let driver: CgroupDriver;

beforeEach(async () => {
  stage = await openCgroupStage();
  driver = stage.driver;
});

afterEach(() => stage.close());

/** Where a group would be in the v1 freezer, which no process enters by itself. */
async function freezerOf(group: string): Promise<string> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return `${parseCgroupMounts(table).v1.get('freezer')}${stage.root}/${group}`;
}

describe('limits', () => {
  test('hold memory and swap together', async () => {
    await driver.create('pod', SOME);
    for (const memoryBytes of [32, 128, 96, 256, 16].map((mebibytes) => mebibytes * 2 ** 20)) {
      await driver.update('pod', { ...SOME, memoryBytes });
      expect(Number(await readFile(stage.fileOf('pod', 'memory.memsw.limit_in_bytes'), 'utf8'))).toBe(memoryBytes);
    }
  });

  test('changed by somebody else are seen, and healed by an update', async () => {
    await driver.create('pod', SOME);
    await writeFile(stage.fileOf('pod', 'memory.memsw.limit_in_bytes'), '-1');
    await writeFile(stage.fileOf('pod', 'memory.limit_in_bytes'), String(80 * 2 ** 20));
    await writeFile(stage.fileOf('pod', 'cpu.cfs_period_us'), '50000');
    await writeFile(stage.fileOf('pod', 'pids.max'), 'max');
    expect(await driver.read('pod')).toEqual({ memoryBytes: 80 * 2 ** 20, cpuMillis: 500, pids: null });
    await driver.update('pod', SOME);
    expect(await driver.read('pod')).toEqual(SOME);
  });
});

describe('processes', () => {
  test('are found in the group, below it, and in one hierarchy alone', async () => {
    await driver.create('pod/app', SOME);
    const { pid: inner } = await stage.runIn('pod/app', 'exec busybox sleep 1000');
    const { pid: outer } = await stage.runIn('pod', 'exec busybox sleep 1000');
    const { pid: partial } = await stage.runIn('pod/app', 'exec busybox sleep 1000', [
      stage.fileOf('pod/app', 'memory.limit_in_bytes').replace(/[^/]+$/, 'cgroup.procs'),
    ]);
    expect(await driver.pids('pod')).toEqual([inner, outer, partial].sort((a, b) => a - b));
    expect(await driver.pids('pod/app')).toEqual([inner, partial].sort((a, b) => a - b));
    expect(await driver.pids('gone')).toEqual([]);
  });

  test('are killed though they fork and are in one hierarchy alone', async () => {
    await driver.create('pod', NONE);
    const entry = stage.fileOf('pod', 'memory.limit_in_bytes').replace(/[^/]+$/, 'cgroup.procs');
    await stage.runIn('pod', 'while :; do busybox true & busybox true & wait; done', [entry]);
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
  });

  test('are killed though somebody froze them', async () => {
    await driver.create('pod', NONE);
    const freezer = await freezerOf('pod');
    await mkdir(freezer, { recursive: true });
    await stage.runIn('pod', 'exec busybox sleep 1000', [...driver.entryFiles('pod'), `${freezer}/cgroup.procs`]);
    await writeFile(`${freezer}/freezer.state`, 'FROZEN');
    await writeFile(stage.fileOf('pod', 'cgroup.freeze'), '1');
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
  });
});

describe('groups', () => {
  test('that exist in one hierarchy alone are listed and removed', async () => {
    const freezer = await freezerOf('strange/one');
    await mkdir(freezer, { recursive: true });
    expect(await driver.list()).toEqual(['strange', 'strange/one']);
    await driver.remove('strange');
    expect(await driver.list()).toEqual([]);
  });

  test('without limits are told apart in the v2 tree, and are the one above them elsewhere', async () => {
    await driver.createUnlimited('pod/.shim');
    const entries = driver.unlimitedEntryFiles('pod/.shim');
    expect(entries.filter((file) => file.endsWith('/pod/.shim/cgroup.procs'))).toEqual([
      stage.fileOf('pod/.shim', 'cgroup.procs'),
    ]);
    expect(entries.filter((file) => file.endsWith('/pod/cgroup.procs'))).toContain(
      stage.fileOf('pod', 'memory.limit_in_bytes').replace(/[^/]+$/, 'cgroup.procs'),
    );
    const { pid } = await stage.runIn('pod/.shim', 'exec busybox sleep 1000', entries);
    expect(await driver.pids('pod/.shim')).toEqual([pid]);
    expect(await driver.pids('pod')).toEqual([pid]);
    await driver.kill('pod/.shim');
    expect(await driver.pids('pod')).toEqual([]);
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
