import { execFile } from 'node:child_process';
import { copyFile, mkdir, open, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openImageStore } from '../../../agent/images/store/image-store.ts';
import { type StorePaths, storePaths } from '../../../agent/images/store/store-paths.ts';
import { createPace } from '../../../agent/images/verify/pace.ts';
import { type LayerVerdict, verifyLayer } from '../../../agent/images/verify/verify-layer.ts';
import { addLayer } from '../../images/unpack-fixture.ts';
import { makeTempDir, type TempDir } from '../../world/temp-dir.ts';

const run = promisify(execFile);

const MIB = 1024 * 1024;
const MARK = 'what the layer has, of which a disk may lose a bit';
const CONTENT = Buffer.concat([Buffer.alloc(64 * 1024, 'a'), Buffer.from(MARK), Buffer.alloc(64 * 1024, 'b')]);

let temporary: TempDir;
let image: string;
/** Where a file system of the test's own is mounted, with fs-verity. */
let disk: string;
let paths: StorePaths;
let diffId: string;

beforeEach(async () => {
  temporary = await makeTempDir();
  [image, disk] = [join(temporary.path, 'image'), join(temporary.path, 'disk')];
  await mkdir(disk);
  await writeFile(image, '');
  await truncate(image, 64 * MIB);
  await run('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-O', 'verity', image]);
  await run('mount', ['-o', 'loop', image, disk]);
  const store = await openImageStore(disk);
  paths = store.paths;
  diffId = await addLayer(store.layers, [
    { name: 'bin/app', content: CONTENT, mode: 0o755 },
    { name: 'etc/small', content: 'x' },
    { name: 'etc/empty' },
  ]);
});

afterEach(async () => {
  await run('umount', [disk]);
  await temporary.remove();
});

const file = (name: string): string => join(paths.layer(diffId), name);
const verify = (): Promise<LayerVerdict> => verifyLayer(paths.layer(diffId), paths.inventory(diffId), createPace(null));

test('files of an unpacked layer are held by the kernel: read, never written', async () => {
  expect(await readFile(file('bin/app'))).toEqual(CONTENT);
  for (const name of ['bin/app', 'etc/small']) {
    await expect(open(file(name), 'r+')).rejects.toMatchObject({ code: 'EPERM' });
  }
  expect(await verify()).toEqual({ state: 'whole' });
});

test('a file of the same content that took the place of another is damage', async () => {
  await copyFile(file('etc/small'), file('etc/other'));
  await run('touch', ['--reference', file('etc/small'), file('etc/other')]);
  await rename(file('etc/other'), file('etc/small'));
  expect(await verify()).toEqual({ state: 'damaged', damage: { path: 'etc/small', what: expect.any(String) } });
});

test('what the disk changed is never read, and is damage', async () => {
  await run('sync', ['--file-system', disk]);
  const raw = await readFile(image);
  expect(raw.includes(MARK)).toBe(true);
  for (let at = raw.indexOf(MARK); at >= 0; at = raw.indexOf(MARK, at + 1)) raw[at] = 0x20;
  // A disk of its own, of which the kernel has read nothing yet.
  const [changed, other] = [join(temporary.path, 'changed-image'), join(temporary.path, 'changed')];
  await writeFile(changed, raw);
  await mkdir(other);
  await run('mount', ['-o', 'loop', changed, other]);
  try {
    const there = storePaths(other);
    // Node's readFile takes a read that was cut short by an error for the end of the file.
    const app = await open(join(there.layer(diffId), 'bin/app'));
    try {
      const read = app.read({ buffer: Buffer.alloc(MARK.length), position: CONTENT.indexOf(MARK) });
      await expect(read).rejects.toMatchObject({ code: 'EIO' });
    } finally {
      await app.close();
    }
    expect(await verifyLayer(there.layer(diffId), there.inventory(diffId), createPace(null))).toEqual({
      state: 'damaged',
      damage: { path: 'bin/app', what: expect.any(String) },
    });
  } finally {
    await run('umount', [other]);
  }
});
