import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Version } from '../../agent/reconcile/state.ts';
import { openStateFiles, type StateFiles, sweepStateFiles } from '../../agent/state/state-files.ts';
import { podIdentity } from '../../manifests/index.ts';
import { sampleStatus } from '../fakes/fake-agent.ts';
import { deployment, documents, pod } from '../reconcile/manifests.ts';
import { createNodeWorld } from '../reconcile/node-world.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;
let files: StateFiles;
let web: Version;
let job: Version;

beforeEach(async () => {
  directory = await makeTempDir();
  files = openStateFiles(join(directory.path, 'state'));
  [job, web] = await versions(documents(deployment(), pod()));
});
afterEach(() => directory.remove());

async function versions(yaml: string): Promise<[Version, Version]> {
  const world = await createNodeWorld();
  await world.commit(yaml);
  const [first, second] = world
    .desired()
    .workloads.map(({ wanted }) => (wanted.state === 'judged' ? wanted.version : null));
  await world.remove();
  if (!first || !second) throw new Error('not judged');
  return [first, second];
}

const at = (name: string): string => join(directory.path, 'state', name);
const write = async (name: string, text: string): Promise<void> => {
  await mkdir(at('last-good'), { recursive: true });
  await writeFile(at(name), text);
};

test('nothing is known at first, and nothing is made by asking', async () => {
  expect(await files.readApplied()).toBeNull();
  expect(await files.readStatus()).toBeNull();
  expect((await files.readLastGood()).size).toBe(0);
  await sweepStateFiles(at(''));
  expect(await readdir(directory.path)).toEqual([]);
});

test('what was written is read again, by another agent too, and by nobody else', async () => {
  await files.writeApplied('c'.repeat(40));
  await files.writeStatus(sampleStatus());
  await files.writeLastGood(web);
  await files.writeLastGood(job);
  const other = openStateFiles(at(''));
  expect(await other.readApplied()).toBe('c'.repeat(40));
  expect(await other.readStatus()).toEqual(sampleStatus());
  expect(await other.readLastGood()).toEqual(
    new Map([
      ['default/web', web],
      ['default/job', job],
    ]),
  );
  const paths = [at(''), at('last-good'), at('status.json'), at('applied.json'), at('last-good/default_web.json')];
  expect(await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o777))).toEqual([
    0o700, 0o700, 0o600, 0o600, 0o600,
  ]);
});

test('a version that is removed is gone, and may be removed again', async () => {
  await files.writeLastGood(web);
  await files.removeLastGood('default/web');
  await files.removeLastGood('default/web');
  expect((await files.readLastGood()).size).toBe(0);
});

describe('a file that cannot be trusted counts as absent', () => {
  test.each(['', '{', 'null', '[]', '7', '{"commit":7}', '{"commit":null}'])('applied: %j', async (text) => {
    await write('applied.json', text);
    expect(await files.readApplied()).toBeNull();
  });

  test.each<[string, (version: Version) => unknown]>([
    ['torn', (version) => JSON.stringify(version).slice(0, 200)],
    ['empty', () => ''],
    ['of another shape', () => ({ workload: {} })],
    ['without its images', (version) => ({ ...version, images: {} })],
    ['with an image of another digest', (version) => ({ ...version, images: otherImages(version) })],
    ['with a field too many', (version) => ({ ...version, extra: 1 })],
    [
      'with another limit than its digest was made from',
      (version) => JSON.stringify(version).replaceAll('67108864', '99999999'),
    ],
    ['with another identity', (version) => ({ ...version, identity: 'sha256:0' })],
    ['with a place that is none', (version) => ({ ...version, origin: { ...version.origin, positions: { a: 1 } } })],
  ])('last good: %s', async (_name, spoil) => {
    const spoiled = spoil(web);
    await write('last-good/default_web.json', typeof spoiled === 'string' ? spoiled : JSON.stringify(spoiled));
    await files.writeLastGood(job);
    expect([...(await files.readLastGood()).keys()]).toEqual(['default/job']);
  });

  test('last good: under the name of another', async () => {
    await write('last-good/default_other.json', JSON.stringify(web));
    expect((await files.readLastGood()).size).toBe(0);
  });
});

function otherImages(version: Version): Version['images'] {
  return Object.fromEntries(
    Object.entries(version.images).map(([reference, image]) => [reference, { ...image, digest: 'sha256:0' }]),
  );
}

test('what an agent left unfinished is swept away, and nothing else', async () => {
  await files.writeApplied('c');
  await files.writeLastGood(web);
  for (const name of [
    '.status.json.0123456789ab.tmp',
    'last-good/.default_web.json.0123456789ab.tmp',
    '.other',
    'a.tmp',
  ]) {
    await write(name, 'x');
  }
  await sweepStateFiles(at(''));
  expect((await readdir(at(''))).toSorted()).toEqual(['.other', 'a.tmp', 'applied.json', 'last-good']);
  expect(await readdir(at('last-good'))).toEqual(['default_web.json']);
});

test('the images of the version that ran well before are known until its workload is gone', async () => {
  const imagesOf = ({ images }: Version): readonly string[] => Object.values(images).map(({ digest }) => digest);
  const digest = `sha256:${'b'.repeat(64)}`;
  const images = Object.fromEntries(Object.entries(web.images).map(([name, image]) => [name, { ...image, digest }]));
  const digests = Object.fromEntries(Object.keys(images).map((name) => [name, digest]));
  const next: Version = { ...web, images, identity: podIdentity(web.workload, digests) };
  await files.writeLastGood(web);
  await files.writeLastGood(next);
  await files.writeLastGood(next);
  expect(await files.readGoodImages()).toEqual(new Set([...imagesOf(web), digest]));
  expect((await files.readLastGood()).get('default/web')).toEqual(next);
  await files.removeLastGood('default/web');
  expect(await files.readGoodImages()).toEqual(new Set());
});
