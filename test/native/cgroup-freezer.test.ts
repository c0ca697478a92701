import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { type Program, startProgram } from '../world/program.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const NONE = { memoryBytes: null, cpuMillis: null, pids: null };
const QUIET_MS = 60;

let directory: TempDir;
let table: string;
let opened: CgroupDriver[];
let programs: Program[];

beforeEach(async () => {
  directory = await makeTempDir();
  table = await readFile('/proc/self/mountinfo', 'utf8');
  opened = [];
  programs = [];
});

afterEach(async () => {
  for (const driver of opened) await driver.kill('');
  await Promise.all(programs.map((program) => program.kill()));
  for (const driver of opened) await driver.remove('');
  await directory.remove();
});

/** The driver on those of this machine's mounts that are kept. */
async function driverOn(isKept: (mount: string) => boolean): Promise<CgroupDriver> {
  const mountTable = join(directory.path, 'mountinfo');
  await writeFile(mountTable, table.split('\n').filter(isKept).join('\n'));
  const driver = await createCgroupDriver({ root: `/holdfast-test-${randomBytes(4).toString('hex')}`, mountTable });
  opened.push(driver);
  return driver;
}

/** A program of group `pod` that writes all the time. @returns how much it has written. */
async function writerIn(driver: CgroupDriver): Promise<() => Promise<number>> {
  await driver.create('pod', NONE);
  const enter = driver
    .entryFiles('pod')
    .map((file) => `echo 0 > ${file} && `)
    .join('');
  const file = join(directory.path, 'written');
  const script = `${enter}echo entered; while :; do echo tick >> ${file}; done`;
  programs.push(await startProgram({ command: '/bin/busybox', args: ['sh', '-c', script], ready: /entered/ }));
  return async () => (await readFile(file, 'utf8').catch(() => '')).length;
}

describe.each([
  ['beside v2', () => true],
  ['of v1 alone', (mount: string) => !mount.includes(' - cgroup2 ')],
])('the freezer %s', (_, isKept) => {
  test('holds a group still, says so, and lets it go on', async () => {
    const driver = await driverOn(isKept);
    const written = await writerIn(driver);
    expect(await driver.isFrozen('pod')).toBe(false);
    await driver.freeze('pod');
    await driver.freeze('pod');
    expect(await driver.isFrozen('pod')).toBe(true);
    const before = await written();
    await sleep(QUIET_MS);
    expect(await written()).toBe(before);
    await driver.thaw('pod');
    await driver.thaw('pod');
    expect(await driver.isFrozen('pod')).toBe(false);
    while ((await written()) === before) await sleep(1);
  });

  test('does not keep a group from being killed and removed', async () => {
    const driver = await driverOn(isKept);
    await writerIn(driver);
    await driver.freeze('pod');
    await driver.kill('pod');
    expect(await driver.pids('pod')).toEqual([]);
    await driver.remove('pod');
    expect(await driver.list()).toEqual([]);
  });

  test('knows nothing of a group that is gone', async () => {
    const driver = await driverOn(isKept);
    expect(await driver.isFrozen('gone')).toBe(false);
    await driver.thaw('gone');
    await expect(driver.freeze('gone')).rejects.toMatchObject({ code: 'not-found' });
  });
});

test('without a freezer nothing can be frozen, and nothing is', async () => {
  const driver = await driverOn((mount) => !/ - cgroup2 |,freezer$/.test(mount));
  await writerIn(driver);
  await expect(driver.freeze('pod')).rejects.toMatchObject({ code: 'unsupported' });
  await driver.thaw('pod');
  expect(await driver.isFrozen('pod')).toBe(false);
});

test('a group that does not stand still in time is thawed again', async () => {
  const tree = join(directory.path, 'tree');
  await mkdir(join(tree, 'ours/pod'), { recursive: true });
  await writeFile(join(tree, 'cgroup.controllers'), 'cpu memory pids\n');
  await writeFile(join(tree, 'ours/pod/cgroup.freeze'), '0\n');
  await writeFile(join(tree, 'ours/pod/cgroup.events'), 'populated 1\nfrozen 0\n');
  const mountTable = join(directory.path, 'mountinfo');
  await writeFile(mountTable, `30 23 0:26 / ${tree} rw - cgroup2 cgroup2 rw`);
  const driver = await createCgroupDriver({ root: '/ours', mountTable });
  await expect(driver.freeze('pod')).rejects.toMatchObject({ code: 'kernel', stage: 'freeze' });
  expect(await readFile(join(tree, 'ours/pod/cgroup.freeze'), 'utf8')).toBe('0');
});
