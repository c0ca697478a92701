import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import type { GroupUsage } from '../../native/cgroup/usage.ts';
import { startProgram } from '../world/program.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const LIMITS = { memoryBytes: 64 * 2 ** 20, cpuMillis: 100, pids: 32 };

let directory: TempDir;
let mountTable: string;
let opened: CgroupDriver[];

beforeEach(async () => {
  directory = await makeTempDir();
  mountTable = join(directory.path, 'mountinfo');
  opened = [];
});

afterEach(async () => {
  for (const driver of opened) {
    await driver.kill('');
    await driver.remove('');
  }
  await directory.remove();
});

describe.each([
  ['beside v2', () => true],
  ['of v1 alone', (mount: string) => !mount.includes(' - cgroup2 ')],
])('on the kernel, %s', (_, isKept) => {
  test('what a group uses is told', async () => {
    const table = await readFile('/proc/self/mountinfo', 'utf8');
    await writeFile(mountTable, table.split('\n').filter(isKept).join('\n'));
    const driver = await createCgroupDriver({ root: `/holdfast-test-${randomBytes(4).toString('hex')}`, mountTable });
    opened.push(driver);
    await driver.create('pod', LIMITS);
    const enter = driver.entryFiles('pod').map((file) => `echo 0 > ${file} && `);
    const file = join(directory.path, 'file');
    const script = `${enter.join('')}busybox dd if=/dev/zero of=${file} bs=1M count=8 conv=fsync 2>/dev/null
      i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done; echo done; exec busybox sleep 1000`;
    const program = await startProgram({ command: '/bin/busybox', args: ['sh', '-c', script], ready: /done/ });
    const { cpu, memory, pids, io } = (await driver.usage('pod')) as GroupUsage;
    expect(cpu.totalMicros).toBeGreaterThan(10_000);
    expect(cpu.userMicros + cpu.systemMicros).toBeGreaterThan(0);
    expect(cpu.throttledPeriods).toBeGreaterThan(0);
    expect(cpu.throttledMicros).toBeGreaterThan(0);
    expect(cpu.periods).toBeGreaterThanOrEqual(cpu.throttledPeriods);
    expect(memory.fileBytes).toBeGreaterThanOrEqual(8 * 2 ** 20);
    expect(memory.anonymousBytes).toBeGreaterThan(0);
    expect(memory.totalBytes).toBeGreaterThan(memory.fileBytes);
    expect(memory.workingSetBytes).toBeLessThan(memory.totalBytes);
    expect(memory.peakBytes).toBeGreaterThanOrEqual(memory.totalBytes);
    expect(pids).toBe(1);
    const count = expect.any(Number);
    expect(io).toEqual({ readBytes: count, writtenBytes: count, devices: expect.any(Array) });
    for (const each of io?.devices ?? []) {
      expect(each).toEqual({
        ...{ device: expect.stringMatching(/^\d+:\d+$/), readBytes: count, writtenBytes: count },
        ...{ reads: count, writes: count },
      });
    }
    await driver.kill('pod');
    await program.kill();
    expect(await driver.usage('gone')).toBeNull();
  });
});

describe('on v2', () => {
  const FILES = {
    'cpu.stat': 'usage_usec 900\nuser_usec 600\nsystem_usec 300\nnr_periods 7\nnr_throttled 2\nthrottled_usec 150',
    'memory.current': '70000',
    'memory.peak': '90000',
    'memory.stat': 'anon 20000\nfile 45000\nkernel 5000\ninactive_file 30000',
    'memory.swap.current': '4096',
    'pids.events': 'max 6',
    'memory.events': 'low 0\nhigh 7\nmax 3\noom 2\noom_kill 1',
    'pids.current': '4',
    'io.stat': '8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=9 dios=1\n8:16 rbytes=1 wbytes=2 rios=1 wios=1',
    'cpu.pressure': 'some avg10=1.50 avg60=0.20 avg300=0.00 total=777\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0',
    'memory.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=5',
  };

  const driverOn = async (files: Readonly<Record<string, string>>): Promise<CgroupDriver> => {
    const tree = join(directory.path, 'tree');
    await mkdir(join(tree, 'ours/pod'), { recursive: true });
    await writeFile(join(tree, 'cgroup.controllers'), 'cpu memory pids\n');
    for (const [name, text] of Object.entries(files)) await writeFile(join(tree, 'ours/pod', name), `${text}\n`);
    await writeFile(mountTable, `30 23 0:26 / ${tree} rw - cgroup2 cgroup2 rw`);
    return createCgroupDriver({ root: '/ours', mountTable });
  };

  test('every figure comes from its file', async () => {
    const none = { last10Percent: 0, last60Percent: 0, last300Percent: 0 };
    expect(await (await driverOn(FILES)).usage('pod')).toEqual({
      cpu: {
        ...{ totalMicros: 900, userMicros: 600, systemMicros: 300 },
        ...{ periods: 7, throttledPeriods: 2, throttledMicros: 150 },
      },
      memory: {
        ...{ totalBytes: 70_000, workingSetBytes: 40_000, anonymousBytes: 20_000, fileBytes: 45_000 },
        ...{ peakBytes: 90_000, swapBytes: 4_096, highHits: 7, limitHits: 3, oomKills: 1 },
      },
      pids: 4,
      pidsLimitHits: 6,
      io: {
        ...{ readBytes: 101, writtenBytes: 22 },
        devices: [
          { device: '8:0', readBytes: 100, writtenBytes: 20, reads: 1, writes: 1 },
          { device: '8:16', readBytes: 1, writtenBytes: 2, reads: 1, writes: 1 },
        ],
      },
      hugepages: null,
      pressure: {
        cpu: {
          some: { last10Percent: 1.5, last60Percent: 0.2, last300Percent: 0, totalMicros: 777 },
          full: { ...none, totalMicros: 0 },
        },
        memory: { some: { ...none, totalMicros: 5 }, full: null },
        io: null,
      },
    });
  });

  test('what the kernel does not keep is null', async () => {
    const { 'memory.peak': _peak, 'io.stat': _io, 'cpu.pressure': _pressure, ...rest } = FILES;
    expect(await (await driverOn(rest)).usage('pod')).toMatchObject({
      memory: { peakBytes: null },
      io: null,
      pressure: { cpu: null },
    });
  });
});
