import { mkdir, readdir, readFile, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { removeTree } from '../../native/files/remove-tree.ts';
import { type ContainerStage, openContainerStage, untilSome } from './container-stage.ts';

const ROUNDS = 50;

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});

afterEach(() => stage.close());

test(`${ROUNDS} starts and stops, failed ones among them, leave nothing behind`, async () => {
  await stage.sandbox();
  await round(0);
  const before = await traces();
  for (let i = 0; i < ROUNDS; i += 1) await round(i);
  await untilSome(async () => JSON.stringify(await traces()) === JSON.stringify(before));
  await stage.backend.removeSandbox('pod');
  expect(await stage.cgroups.list()).toEqual([]);
  expect(await readdir(stage.runDir, { recursive: true })).toEqual(['exits', 'ids', 'sandboxes']);
  expect(await readdir(stage.stateDir, { recursive: true })).toEqual(['containers']);
});

test('a tree made deeper than a path can be goes too', async () => {
  const top = await deepTree();
  await symlink(stage.layer, join(top, 'outside'));
  await removeTree(top);
  expect(await readdir(stage.directory)).toEqual(['layer', 'state']);
  expect(await readdir(stage.layer)).toEqual(['bin', 'etc']);
  await removeTree(top);
});

test('a deep tree goes while somebody else removes it too', async () => {
  for (let round = 0; round < 5; round += 1) {
    const top = await deepTree();
    await Promise.all([removeTree(top), removeTree(top), removeTree(top)]);
    expect(await readdir(stage.directory)).toEqual(['layer', 'state']);
  }
});

async function deepTree(): Promise<string> {
  const top = join(stage.directory, 'deep');
  await mkdir(top);
  for (let i = 0; i < 40; i += 1) {
    await mkdir(join(stage.directory, 'next'));
    await rename(top, join(stage.directory, 'next', 'd'.repeat(250)));
    await rename(join(stage.directory, 'next'), top);
  }
  return top;
}

/** One container that ends by itself, is killed, or never starts. */
async function round(i: number): Promise<void> {
  const spec = stage.spec(i % 3 === 0 ? 'true' : 'sleep 1000', i % 3 === 2 ? { process: { args: ['/nothing'] } } : {});
  await stage.backend.startContainer(spec).catch(() => undefined);
  await stage.backend.stopContainer(spec, { graceMs: 0 });
  await stage.backend.removeContainer(spec);
}

/** What a leak would add to. */
async function traces(): Promise<Readonly<Record<string, unknown>>> {
  return {
    mounts: (await readFile('/proc/self/mountinfo', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(stage.directory)),
    descriptors: (await readdir('/proc/self/fd')).length,
    groups: await stage.cgroups.list(),
    processes: (await stage.cgroups.pids('')).length,
    records: await readdir(stage.runDir, { recursive: true }),
    roots: await readdir(stage.stateDir, { recursive: true }),
  };
}
