import { execFile } from 'node:child_process';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeTempDir } from '../world/temp-dir.ts';

const run = promisify(execFile);
const SIZE = '4G';

/** A file system of the bench's own: ext4 with a journal, as nodes have. What a machine under test has for /tmp may be slower or faster by far. */
export interface BenchDisk {
  readonly path: string;
  remove(): Promise<void>;
}

/** Makes and mounts it; it takes no more space than what is written. */
export async function createBenchDisk(): Promise<BenchDisk> {
  const temp = await makeTempDir();
  const [image, path] = [join(temp.path, 'image'), join(temp.path, 'disk')];
  await mkdir(path);
  // Other runtimes walk to the root file system as a user namespace's own root, who is nobody here.
  await chmod(temp.path, 0o711);
  await run('truncate', ['--size', SIZE, image]);
  await run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=1', image]);
  await run('mount', ['-o', 'loop,noatime', image, path]);
  return {
    path,
    remove: async () => {
      await run('umount', [path]);
      await rm(image);
      await temp.remove();
    },
  };
}
