import { execFileSync } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { removeTree } from '../../native/index.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;
let tree: string;
let outside: string;

beforeEach(async () => {
  directory = await makeTempDir();
  [tree, outside] = [join(directory.path, 'tree'), join(directory.path, 'outside')];
  await mkdir(join(outside, 'below'), { recursive: true });
  await writeFile(join(outside, 'kept'), 'kept');
});
afterEach(() => directory.remove());

const left = async (): Promise<readonly string[]> => (await readdir(directory.path, { recursive: true })).toSorted();
const OUTSIDE = ['outside', 'outside/below', 'outside/kept'];

describe('removing a tree', () => {
  test('takes everything in it, and nothing behind its links', async () => {
    await mkdir(join(tree, 'a/b'), { recursive: true });
    await writeFile(join(tree, 'a/b/file'), '');
    await symlink(outside, join(tree, 'a/absolute'));
    await symlink('../outside', join(tree, 'relative'));
    await symlink('nowhere', join(tree, 'dangling'));
    execFileSync('mkfifo', [join(tree, 'pipe')]);
    await removeTree(tree);
    expect(await left()).toEqual(OUTSIDE);
  });

  test.each(['outside', 'outside/kept', 'nowhere'])(
    'that is itself a link (to %s) takes the link alone',
    async (target) => {
      await symlink(target, tree);
      await removeTree(tree);
      expect(await left()).toEqual(OUTSIDE);
    },
  );

  test('that is a file takes it, and one that is not there is nothing to do', async () => {
    await writeFile(tree, '');
    await removeTree(tree);
    await removeTree(tree);
    await removeTree(join(tree, 'below'));
    expect(await left()).toEqual(OUTSIDE);
  });

  test('leaves no descriptor open, also of a directory of many names', async () => {
    await mkdir(tree);
    await Promise.all(Array.from({ length: 600 }, (_, n) => writeFile(join(tree, String(n)), '')));
    const before = (await readdir('/proc/self/fd')).length;
    await removeTree(tree);
    expect([(await readdir('/proc/self/fd')).length, await left()]).toEqual([before, OUTSIDE]);
  });
});
