import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a directory of files by a new one, once the new one is checked.
 * @param files content by file name.
 * @param check called with the path of the new directory; when it throws, the old directory stays as it was.
 */
export async function replaceDir(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  check: (newDir: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(dir), { recursive: true });
  const work = await mkdtemp(join(dirname(dir), `.${basename(dir)}.`));
  try {
    const fresh = join(work, 'new');
    await mkdir(fresh);
    for (const [name, content] of Object.entries(files)) await writeFile(join(fresh, name), content);
    await check(fresh);
    await swap(dir, fresh, join(work, 'old'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function swap(dir: string, fresh: string, old: string): Promise<void> {
  const hadOld = await rename(dir, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(fresh, dir);
  } catch (error) {
    if (hadOld) await rename(old, dir);
    throw error;
  }
}
