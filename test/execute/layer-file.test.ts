import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readLayerFile } from '../../agent/execute/layer-file.ts';
import { openDirectory } from '../../native/index.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;
let upper: string;
let lower: string;

beforeEach(async () => {
  directory = await makeTempDir();
  [upper, lower] = [join(directory.path, 'upper'), join(directory.path, 'lower')];
  await mkdir(upper);
  await mkdir(lower);
});
afterEach(() => directory.remove());

const write = async (layer: string, path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(layer, path)), { recursive: true });
  await writeFile(join(layer, path), text);
};
const whiteout = (path: string): void => {
  const layer = openDirectory(upper);
  layer.whiteout(path);
  layer.close();
};
const read = (path = 'etc/passwd'): Promise<string | null> => readLayerFile([upper, lower], path);

describe('a file of the image', () => {
  test('is the uppermost', async () => {
    await write(lower, 'etc/passwd', 'lower');
    expect(await read()).toBe('lower');
    await write(upper, 'etc/passwd', 'upper');
    expect(await read()).toBe('upper');
  });

  test('may be in no layer', async () => {
    expect(await read()).toBeNull();
    expect(await readLayerFile([], 'etc/passwd')).toBeNull();
  });

  test('is hidden by what an upper layer has in its place', async () => {
    await write(lower, 'etc/passwd', 'lower');
    await mkdir(join(upper, 'etc'));
    whiteout('etc/passwd');
    expect(await read()).toBeNull();
  });

  test.each(['whiteout', 'file', 'directory'])('is hidden by a %s above it', async (kind) => {
    await write(lower, 'etc/passwd/x', 'lower');
    await mkdir(join(upper, 'etc'));
    if (kind === 'whiteout') whiteout('etc/passwd');
    if (kind === 'file') await write(upper, 'etc/passwd', '');
    if (kind === 'directory') await mkdir(join(upper, 'etc/passwd/x'), { recursive: true });
    expect(await read('etc/passwd/x')).toBeNull();
  });

  test.each([
    ['the file itself', 'etc/passwd', '/etc/passwd'],
    ['a directory of its path', 'etc', '/etc'],
    ['a way out', 'etc/passwd', '../../outside'],
  ])('is not read through a symbolic link: %s', async (_name, link, target) => {
    await writeFile(join(directory.path, 'outside'), 'secret of the node');
    await write(lower, 'etc/passwd', 'lower');
    await mkdir(dirname(join(upper, link)), { recursive: true });
    await symlink(target, join(upper, link));
    expect(await read()).toBeNull();
  });

  test('is read up to a mebibyte', async () => {
    await write(upper, 'etc/passwd', '');
    await truncate(join(upper, 'etc/passwd'), 1024 * 1024);
    expect(await read()).toHaveLength(1024 * 1024);
    await truncate(join(upper, 'etc/passwd'), 1024 * 1024 + 1);
    expect(await read()).toBeNull();
  });
});
