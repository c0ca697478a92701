import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { canonicalLimits } from '../../native/cgroup/limits.ts';
import { parseCgroupMounts } from '../../native/cgroup/mounts.ts';
import type { Limits } from '../../native/limits.ts';
import { type CgroupStage, NONE, openCgroupStage, SOME } from './cgroup-stage.ts';

let stage: CgroupStage;
let driver: CgroupDriver;

beforeEach(async () => {
  stage = await openCgroupStage();
  driver = stage.driver;
});

afterEach(() => stage.close());

async function cpusOf(pid: number): Promise<string | undefined> {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
}

async function disk(): Promise<string> {
  const name = (await readdir('/sys/block')).find((each) => /^(?:vd|sd|xvd|nvme|mmcblk)/.test(each));
  return (await readFile(`/sys/block/${name}/dev`, 'utf8')).trim();
}

describe('CPUs', () => {
  test('hold a process from its start, and one that runs already, children included', async () => {
    const all = await cpusOf(process.pid);
    await driver.create('pod/app', { ...SOME, cpus: '1' });
    expect(await cpusOf((await stage.runIn('pod/app', 'exec busybox sleep 1000')).pid)).toBe('1');
    await driver.create('pod/late', SOME);
    const { pid } = await stage.runIn('pod/late', 'busybox sleep 1000 & busybox sleep 1000');
    expect(await cpusOf(pid)).toBe(all);
    await driver.update('pod/late', { ...SOME, cpus: '0' }, SOME);
    const members = await driver.pids('pod/late');
    expect(members.length).toBeGreaterThan(1);
    for (const member of members) expect(await cpusOf(member)).toBe('0');
    expect(await cpusOf((await stage.runIn('pod/late', 'exec busybox sleep 1000')).pid)).toBe('0');
    await driver.update('pod/late', SOME, { ...SOME, cpus: '0' });
    for (const member of members) expect(await cpusOf(member)).toBe(all);
  });

  test('leave groups that ask for none out of their hierarchy', async () => {
    await driver.create('pod/app', SOME);
    expect(driver.entryFiles('pod/app').filter((file) => file.includes('/cpuset/'))).toEqual([]);
  });
});

describe('shares', () => {
  test('are read as they were asked for, whatever the kernel makes of them', async () => {
    await driver.create('pod', NONE);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 262_144 }), async (cpuShares) => {
        await driver.update('pod', { ...NONE, cpuShares });
        expect(await driver.read('pod', { ...NONE, cpuShares })).toEqual({ ...NONE, cpuShares });
      }),
      { numRuns: 100 },
    );
    expect((await driver.read('pod', { ...NONE, cpuShares: 2 }))?.cpuShares).toBeGreaterThan(0);
  });

  test('of a group among its neighbours are set without its limits', async () => {
    await driver.create('pod', SOME);
    await driver.weigh('pod', { cpuShares: 3000, ioWeight: 500 });
    const weighed = { ...SOME, cpuShares: 3000, ioWeight: 500 };
    expect(await driver.read('pod', weighed)).toEqual(weighed);
    await driver.weigh('pod', { cpuShares: null, ioWeight: null });
    const { cpuShares, ioWeight, ...others } = (await driver.read('pod', weighed)) as Limits;
    expect([cpuShares, ioWeight, others]).toEqual([expect.any(Number), 100, SOME]);
    expect(cpuShares).not.toBe(3000);
  });
});

describe('devices', () => {
  test('are limited one by one, and no more when it is taken back', async () => {
    const device = await disk();
    const rates = { readBytesPerSecond: 5, writeBytesPerSecond: 6, readsPerSecond: 7, writesPerSecond: 8 };
    const limits = { ...NONE, ioDevices: [{ device, ...rates }] };
    await driver.create('pod', limits);
    expect(await driver.read('pod', limits)).toEqual(canonicalLimits(limits));
    const fewer = { ...NONE, ioDevices: [{ device, readsPerSecond: 7 }] };
    await driver.update('pod', fewer, limits);
    expect(await driver.read('pod', limits)).toEqual(fewer);
    await driver.update('pod', NONE, fewer);
    expect(await driver.read('pod', limits)).toEqual({ ...NONE, ioDevices: [{ device }] });
  });

  test('are held to their rate', async () => {
    const device = await disk();
    await driver.create('pod', { ...NONE, ioDevices: [{ device, readsPerSecond: 10 }] });
    const begun = Date.now();
    const read = `busybox dd if=${process.execPath} of=/dev/null bs=4k count=10 iflag=direct`;
    const program = await stage.runIn('pod', `${read} && echo done; exec busybox sleep 1000`);
    await stage.waitFor(async () => program.output().includes('done'));
    expect(Date.now() - begun).toBeGreaterThan(500);
  });

  test('that are none are refused, and everything stays as it was', async () => {
    await driver.create('pod', SOME);
    for (const device of ['/dev/null', '/dev/none', '4000:1']) {
      const limits = { ...NONE, ioDevices: [{ device, readsPerSecond: 7 }] };
      await expect(driver.update('pod', limits, SOME)).rejects.toMatchObject({ code: 'unsupported' });
      await expect(driver.create('other', limits)).rejects.toMatchObject({ code: 'unsupported' });
    }
    expect(await driver.read('pod')).toEqual(SOME);
    expect(await driver.list()).toEqual(['pod']);
  });
});

test('a weight of disks is kept, and reported where no disk heeds it', async () => {
  const schedulers = await Promise.all(
    (await readdir('/sys/block')).map((name) => readFile(`/sys/block/${name}/queue/scheduler`, 'utf8').catch(() => '')),
  );
  const clamped = await driver.create('pod', { ...NONE, ioWeight: 300 });
  expect(clamped).toEqual(schedulers.some((text) => text.includes('[bfq]')) ? [] : ['ioWeight']);
  expect((await driver.read('pod', { ...NONE, ioWeight: 300 }))?.ioWeight).toBe(300);
});

test('huge pages are limited by size, and sizes there are none of are refused', async () => {
  const tree = await controllerTree('hugetlb');
  const before = await readFile(`${tree}/cgroup.subtree_control`, 'utf8');
  const limits = { ...NONE, hugepages: { '2MB': 5 * 2 ** 20 } };
  try {
    await driver.create('pod/app', limits);
    expect(await driver.read('pod/app', limits)).toEqual({ ...NONE, hugepages: { '2MB': 4 * 2 ** 20 } });
    await driver.update('pod/app', { ...NONE, hugepages: { '2MB': 0 } }, limits);
    expect((await driver.read('pod/app', limits))?.hugepages).toEqual({ '2MB': 0 });
    await driver.update('pod/app', NONE, limits);
    expect((await driver.read('pod/app', limits))?.hugepages).toEqual({});
    const none = { ...NONE, hugepages: { '3MB': 2 ** 20 } };
    await expect(driver.update('pod/app', none, NONE)).rejects.toMatchObject({ code: 'unsupported' });
  } finally {
    await driver.remove('');
    if (!before.includes('hugetlb')) await writeFile(`${tree}/cgroup.subtree_control`, '-hugetlb').catch(() => {});
  }
});

test('a hierarchy that does not hold our root is left alone, and the limit refused', async () => {
  await driver.create('unit', NONE);
  const nested = await createCgroupDriver({ root: `${stage.root}/unit/pods` });
  await nested.create('pod', SOME);
  const isV1 = driver.version === 1;
  const asked = nested.update('pod', { ...SOME, cpus: '0' }, SOME);
  if (isV1) await expect(asked).rejects.toMatchObject({ code: 'unsupported' });
  else await asked;
  const { v1 } = parseCgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  if (isV1) expect(existsSync(`${v1.get('cpuset')}${stage.root}`)).toBe(false);
  expect(await nested.read('pod')).toEqual(SOME);
});

/** The directory that holds our root in the v2 tree. */
async function controllerTree(name: string): Promise<string> {
  const entry = driver.entryFiles('').find((file) => file.includes('/unified/')) ?? driver.entryFiles('')[0] ?? '';
  const tree = dirname(dirname(entry));
  expect((await readFile(`${tree}/cgroup.controllers`, 'utf8')).split(/\s/)).toContain(name);
  return tree;
}
