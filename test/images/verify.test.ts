import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  chown,
  lstat,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ImageUse } from '../../agent/images/index.ts';
import { startUpkeep } from '../../agent/images/index.ts';
import { createPace } from '../../agent/images/verify/pace.ts';
import { verifyLayer } from '../../agent/images/verify/verify-layer.ts';
import { createRecordingTelemetry } from '../fakes/recording-telemetry.ts';
import { type BuiltImage, buildImage, type TarEntry } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';
import { unpack } from './unpack-fixture.ts';

const NO_HURRY = createPace(null);

const ENTRIES: readonly TarEntry[] = [
  { name: 'etc/', type: 'directory', mode: 0o755 },
  { name: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' },
  { name: 'etc/again', content: 'first' },
  { name: 'etc/again', content: 'second', mode: 0o600 },
  { name: 'bin/sh', content: '#!sh', mode: 0o755 },
  { name: 'bin/ash', type: 'link', linkname: 'bin/sh' },
  { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
  { name: 'pipe', type: 'fifo' },
  { name: 'odd\nname\u2028', content: 'x' },
  { name: '.wh.gone' },
  { name: 'deep/.wh..wh..opq' },
];

async function setXattr(path: string, name: string, value: string): Promise<void> {
  const script = 'import os,sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())';
  execFileSync('python3', ['-c', script, path, name, value]);
}

async function verdictAfter(change: (layer: string) => Promise<unknown>): Promise<unknown> {
  const unpacked = await unpack(ENTRIES);
  try {
    expect(unpacked.refusal).toBeNull();
    await change(unpacked.layer);
    return await verifyLayer(unpacked.layer, unpacked.inventory, NO_HURRY);
  } finally {
    await unpacked.remove();
  }
}

describe('a stored layer', () => {
  test('is whole as it was unpacked, whatever is in it', async () => {
    expect(await verdictAfter(async () => undefined)).toEqual({ state: 'whole' });
  });

  test.each<[string, string, (layer: string) => Promise<unknown>]>([
    ['a byte of a file', 'etc/passwd', (layer) => overwrite(join(layer, 'etc/passwd'), 'toor')],
    ['the length of a file', 'etc/passwd', (layer) => appendFile(join(layer, 'etc/passwd'), 'x')],
    ['a file that comes twice in its tar', 'etc/again', (layer) => overwrite(join(layer, 'etc/again'), 'Second')],
    ['the mode of a file', 'bin/sh', (layer) => chmod(join(layer, 'bin/sh'), 0o4755)],
    ['the owner of a directory', 'etc', (layer) => chown(join(layer, 'etc'), 1000, 0)],
    ['a time', 'bin/sh', (layer) => utimes(join(layer, 'bin/sh'), 1, 1)],
    ['a file that is gone', 'etc/passwd', (layer) => rm(join(layer, 'etc/passwd'))],
    ['a file that was added', 'bin/extra', (layer) => addUnseen(join(layer, 'bin'), 'extra')],
    [
      'a link that leads elsewhere',
      'lib',
      (layer) => rm(join(layer, 'lib')).then(() => symlink('etc', join(layer, 'lib'))),
    ],
    [
      'a file in place of a link',
      'lib',
      (layer) => rm(join(layer, 'lib')).then(() => writeFile(join(layer, 'lib'), '')),
    ],
    ['a hard link that is its own file', 'bin/ash', (layer) => replaceByCopy(join(layer, 'bin/ash'))],
    ['a whiteout that is gone', 'gone', (layer) => rm(join(layer, 'gone'))],
    [
      'a pipe that is a file',
      'pipe',
      (layer) => rm(join(layer, 'pipe')).then(() => writeFile(join(layer, 'pipe'), '')),
    ],
    ['an attribute that was added', 'bin/sh', (layer) => setXattr(join(layer, 'bin/sh'), 'user.more', 'x')],
    ['an attribute of a directory', 'deep', (layer) => setXattr(join(layer, 'deep'), 'trusted.overlay.opaque', 'n')],
    ['a directory that is gone', '.', (layer) => rm(join(layer, 'deep'), { recursive: true })],
  ])('is damaged by %s, by name', async (_what, path, change) => {
    expect(await verdictAfter(change)).toEqual({ state: 'damaged', damage: { path, what: expect.any(String) } });
  });

  test.each([
    ['missing', (inventory: string) => rm(inventory)],
    ['cut', async (inventory: string) => writeFile(inventory, (await readFile(inventory)).subarray(0, 40))],
    ['garbage', (inventory: string) => writeFile(inventory, 'garbage')],
  ])('cannot be verified by an inventory that is %s', async (_how, harm) => {
    const unpacked = await unpack(ENTRIES);
    await harm(unpacked.inventory);
    expect(await verifyLayer(unpacked.layer, unpacked.inventory, NO_HURRY)).toMatchObject({ state: 'unverifiable' });
    await unpacked.remove();
  });
});

test('an inventory of an older agent, which says nothing of attributes, is still good', async () => {
  const unpacked = await unpack(ENTRIES);
  const lines = zstdDecompressSync(await readFile(unpacked.inventory))
    .toString()
    .split('\n');
  const before = lines.slice(1).map((line) => line.replace(/,"xattrs":\{[^}]*\}/, ''));
  await writeFile(unpacked.inventory, zstdCompressSync(Buffer.from(before.join('\n'))));
  expect(await verifyLayer(unpacked.layer, unpacked.inventory, NO_HURRY)).toEqual({ state: 'whole' });
  await unpacked.remove();
});

test('a file that is not the one the kernel was told to hold is damage, by name', async () => {
  const unpacked = await unpack([{ name: 'f', content: 'x' }]);
  const text = zstdDecompressSync(await readFile(unpacked.inventory)).toString();
  const sealed = text.replace('"type":"file"', '"type":"file","verity":"AAAA"');
  await writeFile(unpacked.inventory, zstdCompressSync(Buffer.from(sealed)));
  const verdict = await verifyLayer(unpacked.layer, unpacked.inventory, NO_HURRY);
  expect(verdict).toEqual({ state: 'damaged', damage: { path: 'f', what: expect.stringContaining('kernel') } });
  await unpacked.remove();
});

test('a pace holds a rate and ends when it is told to', async () => {
  const started = performance.now();
  const pace = createPace(1_000_000);
  for (let chunk = 0; chunk < 10; chunk++) await pace.spend(50_000);
  expect(performance.now() - started).toBeGreaterThan(200);
  const ending = new AbortController();
  const waiting = createPace(1, ending.signal).spend(1_000);
  ending.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});

describe('a layer that somebody changed', () => {
  let registry: Registry;
  let directory: TempDir;
  let image: BuiltImage;

  beforeAll(async () => {
    [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
    image = await buildImage({
      registry: registry.host,
      name: 'app',
      tag: '1',
      layers: [[{ name: 'f', content: 'good' }]],
    });
  });
  afterAll(async () => {
    await registry.stop();
    await directory.remove();
  });

  async function changed(name: string, use: ImageUse | null) {
    const stateDir = join(directory.path, name);
    const source = await openSource(stateDir, [registry.host], { inUse: async () => use });
    await source.resolve(image.tagReference);
    await source.pull(image.digest);
    const [layer = ''] = await source.layers(image.digest);
    const held = await open(join(layer, 'f'), 'r');
    await overwrite(join(layer, 'f'), 'evil');
    return { source, layer, held, retired: () => readdir(join(stateDir, 'images/retired')) };
  }

  test('is only told of unless a repair is asked for', async () => {
    const { source, layer, held } = await changed('told', null);
    const [finding] = await source.admin.verify(image.tagReference, 'report');
    expect(finding).toMatchObject({
      images: [image.digest],
      verdict: { state: 'damaged', damage: { path: 'f', what: 'its content was changed' } },
      isRepaired: false,
    });
    expect(await readFile(join(layer, 'f'), 'utf8')).toBe('evil');
    await held.close();
  });

  test('is replaced, while the old one stays for the containers that run on it, and no longer', async () => {
    let running = new Map([[image.digest, Date.now()]]);
    const use = { kept: new Set([image.digest]), running };
    const { source, layer, held, retired } = await changed('replaced', use);
    const [finding] = await source.admin.verify(null, 'repair');
    expect(finding).toMatchObject({ isRepaired: true, failure: null });
    expect(await readFile(join(layer, 'f'), 'utf8')).toBe('good');
    expect(await held.readFile('utf8')).toBe('evil');
    expect((await held.stat()).nlink).toBe(1);
    await source.garbage.clearRetired();
    expect(await retired()).toHaveLength(1);
    running = use.running.set(image.digest, Date.now() + 120_000);
    await source.garbage.clearRetired();
    expect(await retired()).toEqual([]);
    expect((await source.admin.verify(null, 'report'))[0]).toMatchObject({ verdict: { state: 'whole' } });
    await held.close();
  });

  test('is found and healed in the background, and told of as drift', async () => {
    const { source, layer, held } = await changed('background', null);
    const telemetry = createRecordingTelemetry();
    const settings = { roundMs: 20, firstAfterMs: 1, verifyBytesPerSecond: 1e8, keepUnusedMs: null, tickMs: 10 };
    const upkeep = startUpkeep(source, settings, telemetry);
    const names = (): readonly string[] => telemetry.events.map(({ name }) => name);
    while (!names().includes('holdfast.drift.corrected')) await new Promise((resolve) => setTimeout(resolve, 5));
    await upkeep.stop();
    expect(await readFile(join(layer, 'f'), 'utf8')).toBe('good');
    expect(telemetry.events[0]).toMatchObject({
      name: 'holdfast.drift.detected',
      attributes: { 'holdfast.drift.field': 'image.layer', 'holdfast.drift.observed': 'f: its content was changed' },
    });
    await held.close();
  });

  test('cannot be used while it cannot be had again, and is had as soon as it can', async () => {
    const away = await startRegistry();
    const gone = await buildImage({ registry: away.host, name: 'gone', layers: [[{ name: 'f', content: 'good' }]] });
    const port = Number(away.host.split(':')[1]);
    const source = await openSource(join(directory.path, 'gone'), [away.host], { attempts: 1 });
    await source.resolve(gone.reference);
    await source.pull(gone.digest);
    const [layer = ''] = await source.layers(gone.digest);
    await overwrite(join(layer, 'f'), 'evil');
    await away.stop();
    const [finding] = await source.admin.verify(null, 'repair');
    expect(finding).toMatchObject({ isRepaired: false, failure: expect.stringContaining('cannot be reached') });
    expect(await source.isPresent(gone.digest)).toBe(false);
    await source.check.repairRetired();
    const back = await startRegistry({ port });
    await buildImage({ registry: back.host, name: 'gone', layers: [[{ name: 'f', content: 'good' }]] });
    await source.check.repairRetired();
    expect(await source.isPresent(gone.digest)).toBe(true);
    await back.stop();
  });
});

/** Changes the beginning of a file and nothing that a look at its name shows. */
async function overwrite(path: string, text: string): Promise<void> {
  const { atime, mtime } = await lstat(path);
  const file = await open(path, 'r+');
  await file.write(text, 0);
  await file.close();
  await utimes(path, atime, mtime);
}

/** Adds a file to a directory whose time tells nothing of it. */
async function addUnseen(directory: string, name: string): Promise<void> {
  const { atime, mtime } = await lstat(directory);
  await writeFile(join(directory, name), '');
  await utimes(directory, atime, mtime);
}

async function replaceByCopy(path: string): Promise<void> {
  await writeFile(`${path}.new`, await readFile(path), { mode: 0o755 });
  await rename(`${path}.new`, path);
}
