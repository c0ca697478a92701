import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCgroupDriver } from '../../native/cgroup/driver.ts';
import { parseCgroupMounts } from '../../native/cgroup/mounts.ts';
import { resourcesSchema } from '../../native/runtime/config/resources-schema.ts';
import { planResources } from '../../native/runtime/container/resources.ts';
import { type BundleStage, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;
beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

/** What the group of the container has in the first of several control files that there is. */
async function control(...names: readonly string[]): Promise<string> {
  const { v1, unified } = parseCgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const paths = names.flatMap((name) =>
    [...new Set([...v1.values(), unified])].map((mount) => join(mount ?? '', stage.cgroupPath, 'c', name)),
  );
  const path = paths.find((each) => existsSync(each));
  if (path === undefined) throw new Error(`no hierarchy has ${names.join(' or ')}`);
  return (await readFile(path, 'utf8')).trim();
}

async function version(): Promise<1 | 2> {
  return (await createCgroupDriver({ root: stage.cgroupPath })).version;
}

async function disk(): Promise<{ major: number; minor: number }> {
  const name = (await readdir('/sys/block')).find((each) => /^(?:vd|sd|xvd|nvme|mmcblk)/.test(each));
  const [major = 0, minor = 0] = (await readFile(`/sys/block/${name}/dev`, 'utf8')).split(':').map(Number);
  return { major, minor };
}

const MEBI = 2 ** 20;

async function run(resources: object, ...more: readonly string[]): Promise<void> {
  await stage.configure('sleep 1000', (config) => {
    config.linux.resources = resources;
  });
  await expectSuccess(stage.runtime('create', 'c', ...more));
  await expectSuccess(stage.runtime('start', 'c'));
}

describe('resources of a bundle', () => {
  test('are set, to the number', async () => {
    const device = await disk();
    await run({
      memory: { limit: 64 * MEBI, swap: 96 * MEBI, reservation: 32 * MEBI, disableOOMKiller: false, swappiness: null },
      cpu: { shares: 1024, quota: 33_333, period: 50_000, burst: 1_000, cpus: '0-1', mems: '0', idle: null },
      pids: { limit: 77 },
      blockIO: {
        weight: 300,
        throttleReadBpsDevice: [{ ...device, rate: 1234 }],
        throttleWriteIOPSDevice: [{ ...device, rate: 5 }],
      },
    });
    const isV1 = (await version()) === 1;
    expect(await control('memory.memsw.limit_in_bytes', 'memory.swap.max')).toBe(String((isV1 ? 96 : 32) * MEBI));
    expect(await control('memory.soft_limit_in_bytes', 'memory.low')).toBe(String(32 * MEBI));
    expect(await control('cpu.shares', 'cpu.weight')).toBe(isV1 ? '1024' : '39');
    expect(await control('cpu.cfs_quota_us', 'cpu.max')).toMatch(/^33333\b/);
    expect(await control('cpu.cfs_period_us', 'cpu.max')).toMatch(/\b50000$/);
    expect(await control('cpu.cfs_burst_us', 'cpu.max.burst')).toBe('1000');
    expect(await control('cpuset.cpus')).toBe('0-1');
    expect(await control('pids.max')).toBe('77');
    expect(await control('blkio.throttle.read_bps_device', 'io.max')).toMatch(/\b1234\b/);
    const { pid } = await stage.state();
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\s*0-1$/m);
  });

  test('that this node does not have are refused by name, and nothing is left', async () => {
    const cases: readonly (readonly [object, string])[] = [
      [{ cpu: { cpus: '4000' } }, 'limits.cpus'],
      [{ blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 1, rate: 5 }] } }, '4000:1'],
      [{ network: { classID: 5 } }, 'network.classID'],
    ];
    for (const [resources, field] of cases) {
      await stage.configure('true', (config) => {
        config.linux.resources = resources;
      });
      const refused = await stage.runtime('create', 'c');
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(field) });
      expect((await stage.runtime('list', '-q')).stdout).toBe('');
    }
  });

  test('deny devices through the controller of v1 too, in the order of the rules', async () => {
    const devices = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' },
      { allow: true, type: 'b', major: 8, minor: -1, access: 'r' },
      { allow: false, type: 'c', major: 5, minor: 2 },
    ];
    await run({ devices });
    if ((await version()) === 2) return;
    const list = (await control('devices.list')).split('\n');
    expect(list).toEqual(expect.arrayContaining(['c 1:3 rwm', 'c 10:229 rwm', 'b 8:* r', 'c *:* m']));
    expect(list).not.toContain('a *:* rwm');
    expect(list.filter((line) => line.startsWith('c 5:2'))).toEqual([]);
  });
});

describe('update', () => {
  test('changes what is named and leaves the rest, by options and from a file', async () => {
    await run({
      memory: { limit: 64 * MEBI },
      cpu: { shares: 512, quota: 20_000, period: 100_000 },
      pids: { limit: 50 },
    });
    await expectSuccess(
      stage.runtime(
        ...['update', '--memory', '96m', '--memory-swap', '128M', '--cpu-share', '700', '--cpuset-cpus', '0', 'c'],
      ),
    );
    const isV1 = (await version()) === 1;
    expect(await control('memory.limit_in_bytes', 'memory.max')).toBe(String(96 * MEBI));
    expect(await control('memory.memsw.limit_in_bytes', 'memory.swap.max')).toBe(String((isV1 ? 128 : 32) * MEBI));
    expect(await control('cpu.shares', 'cpu.weight')).toBe(isV1 ? '700' : '27');
    expect(await control('cpu.cfs_quota_us', 'cpu.max')).toMatch(/^20000\b/);
    expect(await control('pids.max')).toBe('50');
    expect(await readFile(`/proc/${(await stage.state()).pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\s*0$/m);
    const file = join(stage.directory, 'resources.json');
    await writeFile(
      file,
      JSON.stringify({ memory: { limit: 0, swap: -1 }, cpu: { quota: -1, cpus: '' }, pids: { limit: 60 } }),
    );
    await expectSuccess(stage.runtime('update', '--resources', file, 'c'));
    expect(await control('memory.limit_in_bytes', 'memory.max')).toBe(String(96 * MEBI));
    expect(await control('memory.memsw.limit_in_bytes', 'memory.swap.max')).toMatch(/^(?:max|9223372036854771712)$/);
    expect(await control('cpu.cfs_quota_us', 'cpu.max')).toMatch(/^(?:-1|max 100000)$/);
    expect(await control('pids.max')).toBe('60');
  });

  test('refuses what cannot be, and changes nothing then', async () => {
    await run({ memory: { limit: 64 * MEBI }, pids: { limit: 50 } });
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['--memory', '128m', '--cpuset-cpus', '4000'], 'limits.cpus'],
      [['--memory', '128m', '--cpu-rt-runtime', '5', '--cpu-idle', '7'], 'linux.resources'],
      [['--memory', 'much'], '--memory much'],
      [['--pids-limit', '5', '--memory', '128m', '--kernel-memory', '-7'], ''],
      [['--l3-cache-schema', 'x'], 'RDT'],
      [['--resources', '/nowhere'], '/nowhere'],
    ];
    for (const [options, told] of cases.filter(([, each]) => each !== '')) {
      const refused = await stage.runtime('update', ...options, 'c');
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(told) });
    }
    expect(await control('memory.limit_in_bytes', 'memory.max')).toBe(String(64 * MEBI));
    expect(await control('pids.max')).toBe('50');
    expect(await stage.runtime('update', '--pids-limit', '5', 'none')).toMatchObject({ status: 1 });
  });

  test('of a device rule is refused', async () => {
    await run({ devices: [{ allow: false, access: 'rwm' }] });
    const file = join(stage.directory, 'resources.json');
    await writeFile(file, JSON.stringify({ devices: [{ allow: true, type: 'a', access: 'rwm' }] }));
    expect(await stage.runtime('update', '-r', file, 'c')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('devices'),
    });
    await writeFile(file, JSON.stringify({ devices: [{ allow: false, access: 'rwm' }], pids: { limit: 9 } }));
    await expectSuccess(stage.runtime('update', '-r', file, 'c'));
    expect(await control('pids.max')).toBe('9');
  });
});

test('each version has words for what it has', () => {
  const plan = (resources: object, of: 1 | 2): readonly string[] =>
    planResources(resourcesSchema.parse(resources), of).writes.map(({ file, value }) => `${file}=${value}`);
  const both = { memory: { reservation: -1 }, cpu: { idle: 1, period: 20_000 } };
  expect(plan(both, 1)).toEqual([
    ...['memory.soft_limit_in_bytes=-1', 'cpu.cfs_quota_us=-1', 'cpu.cfs_period_us=20000', 'cpu.idle=1'],
  ]);
  expect(plan(both, 2)).toEqual(['memory.low=max', 'cpu.max=max 20000', 'cpu.idle=1']);
  const v1 = {
    memory: { swappiness: 0, kernelTCP: 4096, disableOOMKiller: true },
    network: { classID: 7, priorities: [{ name: 'eth0', priority: 3 }] },
  };
  expect(plan(v1, 1)).toEqual([
    ...['memory.kmem.tcp.limit_in_bytes=4096', 'memory.swappiness=0', 'memory.oom_control=1'],
    ...['net_cls.classid=7', 'net_prio.ifpriomap=eth0 3'],
  ]);
  expect(() => plan(v1, 2)).toThrow(/memory.swappiness/);
  expect(() => plan({ memory: { swap: 5 } }, 1)).toThrow(/memory.swap: needs/);
  expect(() => plan({ memory: { limit: 9, swap: 5 } }, 2)).toThrow(/memory.swap: counts/);
  expect(plan({ unified: { 'memory.high': '5', 'io.max': '8:0 rbps=5' } }, 2)).toEqual([
    ...['memory.high=5', 'io.max=8:0 rbps=5'],
  ]);
  expect(() => plan({ unified: { 'memory.high': '5' } }, 1)).toThrow(/unified/);
});
