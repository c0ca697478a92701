import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { canonicalLimits } from '../../native/cgroup/limits.ts';
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
  'memory.high': 'max',
  'cpu.weight': '100',
  'cpuset.cpus': '',
  'cpuset.mems': '',
  'cpuset.cpus.effective': '0-3',
  'cpuset.mems.effective': '0',
  'io.max': '',
  'io.weight': 'default 100',
  'hugetlb.2MB.max': 'max',
  'hugetlb.2MB.rsvd.max': 'max',
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

/** Every file of the tree outside one group, by its path. */
async function contentsBut(group: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(tree, join(parentPath, name)))
    .filter((path) => !path.startsWith(`${group}/`));
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await file(path)] as const)));
}

describe('cgroup v2', () => {
  test('refuses a rate that its files cannot hold, and says which they can', async () => {
    const ioDevices = [{ device: '8:0', readsPerSecond: 1 }];
    await expect(driver.create('pod/app', { ...LIMITS, ioDevices })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('the least rate is 2 a second'),
    });
  });

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

  test('below a group of somebody else, writes nothing outside for any limit there is', async () => {
    const controllers = 'cpuset cpu io memory hugetlb pids';
    for (const group of ['', 'ours', 'ours/pod', 'ours/pod/app']) {
      await writeFile(join(tree, group, 'cgroup.controllers'), `${controllers}\n`);
    }
    await mkdir(join(tree, 'ours/other'));
    await writeFile(join(tree, 'ours/other/memory.max'), 'max\n');
    const delegated = await createCgroupDriver({ root: '/ours/pod/app', mountTable });
    const before = await contentsBut('ours/pod/app');
    const limits = {
      ...{ ...LIMITS, memoryHighBytes: 2 ** 20, swapBytes: 2 ** 20, cpuShares: 5, cpus: '0', mems: '0', ioWeight: 10 },
      ...{ hugepages: { '2MB': 2 ** 21 }, ioDevices: [{ device: '8:0', readsPerSecond: 5 }] },
    };
    await delegated.create('', limits);
    await delegated.weigh('', { cpuShares: 9, ioWeight: 20 });
    await delegated.update('', NONE, limits);
    await delegated.writeRaw('', [{ field: 'x', controller: 'memory', file: 'memory.high', value: '5' }]);
    const { 'ours/pod/cgroup.subtree_control': handedDown, ...others } = await contentsBut('ours/pod/app');
    const { 'ours/pod/cgroup.subtree_control': _before, ...unchanged } = before;
    expect(others).toEqual(unchanged);
    // A plain file keeps the last write only, and not what the kernel adds up.
    expect(handedDown).toMatch(/^\+\w+/);
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

  test('writes and reads limits of every kind, and none of those not asked for', async () => {
    await writeFile(join(tree, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n');
    const limits = {
      ...{ ...LIMITS, memoryHighBytes: 32 * 2 ** 20, swapBytes: 2 ** 20, cpuShares: 1024, cpus: '2,0-1', mems: '0' },
      ...{ ioWeight: 505, hugepages: { '2MB': 2 ** 22 } },
      ioDevices: [{ device: '8:0', readBytesPerSecond: 1000, writesPerSecond: 5 }],
    };
    await driver.create('pod/app', limits);
    const app = (name: string): Promise<string> => file(`ours/pod/app/${name}`);
    expect(await Promise.all(['memory.high', 'memory.swap.max', 'cpu.weight', 'io.weight'].map(app))).toEqual([
      '33554432',
      '1048576',
      '39',
      '5000',
    ]);
    expect(
      await Promise.all(['cpuset.cpus', 'cpuset.mems', 'hugetlb.2MB.max', 'hugetlb.2MB.rsvd.max'].map(app)),
    ).toEqual(['0-2', '0', '4194304', '4194304']);
    expect(await app('io.max')).toBe('8:0 rbps=1000 wbps=max riops=max wiops=5');
    expect(await driver.read('pod/app', limits)).toEqual(canonicalLimits(limits));
    await writeFile(join(tree, 'ours/pod/app/cpu.weight'), '50\n');
    await writeFile(join(tree, 'ours/pod/app/io.max'), '8:0 rbps=7 wbps=max riops=max wiops=max\n');
    await writeFile(join(tree, 'ours/pod/app/cpuset.cpus'), '\n');
    expect(await driver.read('pod/app', limits)).toEqual({
      ...canonicalLimits(limits),
      ...{ cpuShares: 1287, cpus: null, ioDevices: [{ device: '8:0', readBytesPerSecond: 7 }] },
    });
    expect(await driver.read('pod/app')).toEqual(LIMITS);
    await driver.update('pod/app', NONE, limits);
    expect(
      await Promise.all(['memory.high', 'cpu.weight', 'io.weight', 'cpuset.cpus', 'hugetlb.2MB.max'].map(app)),
    ).toEqual(['max', '100', '100', '', 'max']);
    expect(await app('io.max')).toBe('8:0 rbps=max wbps=max riops=max wiops=max');
  });

  test('hands a controller down for a limit that needs it, and not before', async () => {
    await writeFile(join(tree, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n');
    for (const group of ['ours', 'ours/pod']) {
      await writeFile(join(tree, group, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n');
      await writeFile(join(tree, group, 'cgroup.subtree_control'), 'cpu io memory pids\n');
    }
    await writeFile(join(tree, 'cgroup.subtree_control'), 'cpu io memory pids\n');
    await driver.create('pod/app', { ...NONE, cpuShares: 5 });
    expect(await file('ours/pod/cgroup.subtree_control')).toBe('cpu io memory pids');
    await driver.create('pod/app', { ...NONE, cpus: '1' });
    for (const group of ['', 'ours/', 'ours/pod/'])
      expect(await file(`${group}cgroup.subtree_control`)).toBe('+cpuset');
    expect(await file('ours/pod/app/cgroup.subtree_control')).toBe('');
  });

  test('refuses what the node cannot hold, and reports a weight it has no file for', async () => {
    await driver.create('pod/app', LIMITS);
    await expect(driver.update('pod/app', { ...LIMITS, cpus: '4' }, LIMITS)).rejects.toMatchObject({
      code: 'unsupported',
    });
    for (const name of ['io.max', 'io.weight', 'hugetlb.2MB.max', 'memory.swap.max']) {
      await rm(join(tree, 'ours/pod/app', name));
    }
    const ioDevices = [{ device: '8:0', readsPerSecond: 5 }];
    for (const limits of [{ ioDevices }, { hugepages: { '2MB': 0 } }, { swapBytes: 1_000_000 }]) {
      await expect(driver.update('pod/app', { ...LIMITS, ...limits }, LIMITS)).rejects.toMatchObject({
        code: 'unsupported',
      });
    }
    expect(await driver.update('pod/app', { ...LIMITS, ioWeight: 50 }, LIMITS)).toEqual(['ioWeight']);
    expect(await driver.read('pod/app')).toEqual(LIMITS);
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
