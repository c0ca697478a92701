import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const BLOCK_BYTES = 512;
const DEEPEST = 64;

/**
 * What a directory tree takes on the disk, in bytes; names with several links count once. Containers may work in it
 * meanwhile: no link is followed. The walk ends when it has found more than `enough`.
 */
export async function diskUsage(path: string, enough: number): Promise<number> {
  const root = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => null);
  if (root === null) return 0;
  const count: Count = { bytes: 0, enough, seen: new Set() };
  try {
    await countBelow(root, count, 0);
  } finally {
    await root.close();
  }
  return count.bytes;
}

interface Count {
  bytes: number;
  readonly enough: number;
  readonly seen: Set<number>;
}

async function countBelow(directory: FileHandle, count: Count, depth: number): Promise<void> {
  const at = `/proc/self/fd/${directory.fd}`;
  for (const name of await readdir(at)) {
    if (count.bytes > count.enough) return;
    const about = await lstat(`${at}/${name}`).catch(() => null);
    if (about === null || count.seen.has(about.ino)) continue;
    if (about.nlink > 1 && !about.isDirectory()) count.seen.add(about.ino);
    count.bytes += about.blocks * BLOCK_BYTES;
    if (!about.isDirectory() || depth === DEEPEST) continue;
    const below = await open(`${at}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => null);
    if (below === null) continue;
    try {
      await countBelow(below, count, depth + 1);
    } finally {
      await below.close();
    }
  }
}
