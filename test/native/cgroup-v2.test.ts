import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const LIMITS = { memoryBytes: 64 * 2 ** 20, cpuMillis: 250, pids: 32 };
const NONE = { memoryBytes: null, cpuMillis: null, pids: null };

/** What the kernel would put into a new group. */
const FILES = {
  'cgroup.procs': '',
  'cgroup.subtree_control': '',
  'memory.max': 'max',
  'memory.current': '0',
  'memory.swap.max': 'max',
  'memory.oom.group': '0',
  'memory.events': 'low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 1\n',
  'cpu.max': 'max 100000',
  'pids.max': 'max',
};

let directory: TempDir;
let tree: string;
let driver: CgroupDriver;
let mountTable: string;

beforeEach(async () => {
  directory = await makeTempDir();
  tree = join(directory.path, 'tree');
  for (const group of ['', 'ours', 'ours/pod', 'ours/pod/app']) {
    await mkdir(join(tree, group));
    for (const [name, value] of Object.entries(FILES)) await writeFile(join(tree, group, name), `${value}\n`);
  }
  await writeFile(join(tree, 'cgroup.controllers'), 'cpu memory pids\n');
  await writeFile(join(tree, 'cgroup.subtree_control'), 'cpu memory\n');
  mountTable = join(directory.path, 'mountinfo');
  await writeFile(mountTable, `30 23 0:26 / ${tree} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate`);
  driver = await createCgroupDriver({ root: '/ours', mountTable });
});

afterEach(() => directory.remove());

async function file(path: string): Promise<string> {
  return (await readFile(join(tree, path), 'utf8')).trimEnd();
}

describe('cgroup v2', () => {
  test('gives every group on the way its missing controllers, and the group itself none', async () => {
    await driver.create('pod/app', LIMITS);
    expect(await file('cgroup.subtree_control')).toBe('+pids');
    expect(await file('ours/cgroup.subtree_control')).toBe('+memory +cpu +pids');
    expect(await file('ours/pod/cgroup.subtree_control')).toBe('+memory +cpu +pids');
    expect(await file('ours/pod/app/cgroup.subtree_control')).toBe('');
  });

  test('below a group of somebody else, changes no other and does not make it', async () => {
    const delegated = await createCgroupDriver({ root: '/ours/pod/app', mountTable });
    await writeFile(join(tree, 'ours/pod/cgroup.subtree_control'), 'cpu memory pids\n');
    await delegated.create('', NONE);
    expect(await file('cgroup.subtree_control')).toBe('cpu memory');
    expect(await file('ours/cgroup.subtree_control')).toBe('');
    const elsewhere = await createCgroupDriver({ root: '/unit.service/pods', mountTable });
    await expect(elsewhere.create('pod', NONE)).rejects.toMatchObject({ code: 'not-found', stage: 'find cgroup' });
  });

  test('writes limits as the kernel wants them, and reads them back', async () => {
    await driver.create('pod/app', LIMITS);
    expect(await file('ours/pod/app/memory.max')).toBe('67108864');
    expect(await file('ours/pod/app/memory.swap.max')).toBe('0');
    expect(await file('ours/pod/app/memory.oom.group')).toBe('1');
    expect(await file('ours/pod/app/cpu.max')).toBe('25000 100000');
    expect(await file('ours/pod/app/pids.max')).toBe('32');
    expect(await driver.read('pod/app')).toEqual(LIMITS);
  });

  test('takes limits away again, and never dies as one without a memory limit', async () => {
    await driver.create('pod/app', LIMITS);
    await driver.update('pod/app', NONE);
    expect(await driver.read('pod/app')).toEqual(NONE);
    expect(await file('ours/pod/app/cpu.max')).toBe('max 100000');
    expect(await file('ours/pod/app/memory.swap.max')).toBe('max');
    expect(await file('ours/pod/app/memory.oom.group')).toBe('0');
  });

  test('reads what somebody else wrote', async () => {
    await writeFile(join(tree, 'ours/pod/cpu.max'), '12345 50000\n');
    expect(await driver.read('pod')).toEqual({ ...NONE, cpuMillis: 246.9 });
    expect(await driver.read('gone')).toBeNull();
  });

  test('refuses a memory limit below what is in use and stays', async () => {
    await driver.create('pod/app', LIMITS);
    await writeFile(join(tree, 'ours/pod/app/memory.current'), '50000000\n');
    const lower = { memoryBytes: 2 ** 20, cpuMillis: 100, pids: 8 };
    await expect(driver.update('pod/app', lower)).rejects.toMatchObject({ code: 'no-resources', errno: 'EBUSY' });
    expect(await driver.read('pod/app')).toEqual(LIMITS);
    await writeFile(join(tree, 'ours/pod/app/memory.reclaim'), '');
    await expect(driver.update('pod/app', lower)).rejects.toMatchObject({ code: 'no-resources' });
    expect(await file('ours/pod/app/memory.reclaim')).toBe(String(50_000_000 - 2 ** 20));
  });

  test('counts processes killed for want of memory', async () => {
    expect(await driver.oomKills('pod')).toBe(2);
    expect(await driver.oomKills('gone')).toBe(0);
  });

  test('finds groups and processes below the root, and none that it cannot name', async () => {
    await writeFile(join(tree, 'ours/pod/cgroup.procs'), '30\n0\n');
    await writeFile(join(tree, 'ours/pod/app/cgroup.procs'), '12\n');
    expect(await driver.list()).toEqual(['pod', 'pod/app']);
    expect(await driver.pids('pod')).toEqual([12, 30]);
  });
});
