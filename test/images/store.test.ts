import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { startProgram } from '../world/program.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

let registry: Registry;
let directory: TempDir;
let nth = 0;

beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
});

afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

const freshState = (): string => join(directory.path, `state-${nth++}`);
const base = [{ name: 'base', content: 'shared by two' }];

function build(name: string, registryHost = registry.host): Promise<BuiltImage> {
  return buildImage({ registry: registryHost, name, tag: '1', layers: [base, [{ name, content: name }]] });
}

async function counts(stateDir: string): Promise<Readonly<Record<string, number>>> {
  const count = async (path: string): Promise<number> => (await readdir(join(stateDir, 'images', path))).length;
  return {
    layers: await count('layers'),
    blobs: await count('blobs/sha256'),
    references: await count('references'),
    tmp: await count('tmp'),
  };
}

test('is private to the agent, while a layer is as its image wants it', async () => {
  const [image, stateDir] = [await build('private'), freshState()];
  const source = await openSource(stateDir, [registry.host]);
  await source.resolve(image.reference);
  await source.pull(image.digest);
  expect((await stat(join(stateDir, 'images'))).mode & 0o777).toBe(0o700);
  expect((await stat(join(stateDir, 'images/layers'))).mode & 0o777).toBe(0o700);
  const [layer = ''] = await source.layers(image.digest);
  expect((await stat(layer)).mode & 0o777).toBe(0o755);
});

test('answers offline, also after a restart, for all that was resolved and pulled', async () => {
  const away = await startRegistry();
  const [image, stateDir] = [await build('away', away.host), freshState()];
  const source = await openSource(stateDir, [away.host]);
  const online = await source.resolve(image.tagReference);
  await source.pull(image.digest);
  await away.stop();
  const restarted = await openSource(stateDir, [away.host], { attempts: 1 });
  expect(await restarted.resolve(image.tagReference)).toEqual(online);
  expect(await restarted.isPresent(image.digest)).toBe(true);
  await restarted.pull(image.digest);
  expect(await restarted.layers(image.digest)).toEqual(await source.layers(image.digest));
  await expect(restarted.resolve(`${away.host}/away:2`)).rejects.toMatchObject({ code: 'unreachable' });
});

test('keeps to what a tag was first resolved to, until that is forgotten', async () => {
  const first = await build('moving');
  const source = await openSource(freshState(), [registry.host]);
  expect((await source.resolve(first.tagReference)).facts.digest).toBe(first.digest);
  const second = await buildImage({ registry: registry.host, name: 'moving', tag: '1', layers: [[{ name: 'new' }]] });
  expect((await source.resolve(first.tagReference)).facts.digest).toBe(first.digest);
  await source.forget(first.tagReference);
  expect((await source.resolve(first.tagReference)).facts.digest).toBe(second.digest);
});

test('removes an image and what no other image uses', async () => {
  const [a, b, stateDir] = [await build('a'), await build('b'), freshState()];
  const source = await openSource(stateDir, [registry.host]);
  for (const { reference, tagReference, digest } of [a, b]) {
    await source.resolve(reference);
    await source.resolve(tagReference);
    await source.pull(digest);
  }
  expect(await source.admin.list()).toEqual(
    [a, b]
      .map(({ digest, reference, tagReference }) => ({
        digest,
        references: [tagReference, reference],
        size: expect.any(Number),
        isPresent: true,
        isPinned: false,
        resolvedAt: expect.any(Number),
      }))
      .sort((x, y) => (x.digest < y.digest ? -1 : 1)),
  );
  expect(await counts(stateDir)).toEqual({ layers: 3, blobs: 4, references: 4, tmp: 0 });
  await source.admin.discard(a.digest);
  expect(await counts(stateDir)).toEqual({ layers: 2, blobs: 2, references: 2, tmp: 0 });
  expect(await source.isPresent(a.digest)).toBe(false);
  expect(await source.isPresent(b.digest)).toBe(true);
  await expect(source.layers(a.digest)).rejects.toMatchObject({ code: 'not-present' });
  await expect(source.pull(a.digest)).rejects.toMatchObject({ code: 'not-present' });
  await expect(source.admin.discard(a.digest)).rejects.toMatchObject({ code: 'not-present' });
  await source.admin.discard(b.digest);
  expect(await counts(stateDir)).toEqual({ layers: 0, blobs: 0, references: 0, tmp: 0 });
});

test('pulls again what somebody removed from the disk', async () => {
  const [image, stateDir] = [await build('vanished'), freshState()];
  const source = await openSource(stateDir, [registry.host]);
  await source.resolve(image.reference);
  await source.pull(image.digest);
  const [layer = ''] = await source.layers(image.digest);
  await rm(layer, { recursive: true });
  expect(await source.isPresent(image.digest)).toBe(false);
  await source.pull(image.digest);
  expect(await source.isPresent(image.digest)).toBe(true);
});

test('removes no layer while a damaged record may speak for it, and heals with the next resolve', async () => {
  const [image, stateDir] = [await build('damaged'), freshState()];
  const source = await openSource(stateDir, [registry.host]);
  await source.resolve(image.reference);
  await source.pull(image.digest);
  const [record = ''] = await readdir(join(stateDir, 'images/references'));
  await writeFile(join(stateDir, 'images/references', record), '{"reference":');
  const restarted = await openSource(stateDir, [registry.host]);
  expect(await restarted.admin.list()).toEqual([]);
  expect(await counts(stateDir)).toEqual({ layers: 2, blobs: 2, references: 1, tmp: 0 });
  await restarted.resolve(image.reference);
  expect(await restarted.isPresent(image.digest)).toBe(true);
});

test('refuses to start a pull that does not fit', async () => {
  const image = await buildImage({
    registry: registry.host,
    name: 'big',
    layers: [[{ name: 'f', content: randomBytes(9_000_000) }]],
  });
  const mount = join(directory.path, 'small');
  await mkdir(mount);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', mount]);
  try {
    const source = await openSource(mount, [registry.host]);
    await source.resolve(image.reference);
    await expect(source.pull(image.digest)).rejects.toMatchObject({ code: 'no-space' });
    expect(await readdir(join(mount, 'images/tmp'))).toEqual([]);
  } finally {
    execFileSync('umount', [mount]);
  }
});

describe('a pull that is killed', () => {
  test('at any moment leaves only whole layers, and the next one completes', async () => {
    const files = (layer: string) =>
      Array.from({ length: 60 }, (_, index) => ({ name: `${layer}/${index}`, content: randomBytes(20_000) }));
    const layers = [files('a'), files('b'), files('c'), files('d')];
    const image = await buildImage({ registry: registry.host, name: 'killed', tag: '1', layers });
    const stateDir = freshState();
    for (const afterMs of [0, 40, 80, 120, 200, 300, 450, 700]) {
      const program = await startProgram({
        command: process.execPath,
        args: [join(import.meta.dirname, './pull-program.ts'), stateDir, registry.host, image.tagReference],
        ready: /opened/,
      });
      await sleep(afterMs);
      await program.kill();
      await expectWholeLayers(stateDir, 60);
    }
    const source = await openSource(stateDir, [registry.host]);
    expect(await readdir(join(stateDir, 'images/tmp'))).toEqual([]);
    const { facts } = await source.resolve(image.tagReference);
    await source.pull(facts.digest);
    const [top = ''] = await source.layers(facts.digest);
    const last = layers.at(-1)?.at(-1);
    expect((await readFile(join(top, last?.name ?? ''))).equals(last?.content ?? Buffer.alloc(0))).toBe(true);
    expect(await counts(stateDir)).toEqual({ layers: 4, blobs: 2, references: 1, tmp: 0 });
  });
});

async function expectWholeLayers(stateDir: string, filesInEach: number): Promise<void> {
  const folder = join(stateDir, 'images/layers');
  for (const name of await readdir(folder)) {
    const entries = await readdir(join(folder, name), { recursive: true });
    expect(entries).toHaveLength(filesInEach + 1);
  }
}
