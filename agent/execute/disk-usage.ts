import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const BLOCK_BYTES = 512;
/** One descriptor is held for each level. */
const DEEPEST = 200;

/**
 * What a directory tree takes on the disk, in bytes; names with several links count once. Containers may work in it
 * meanwhile: no link is followed. The walk ends when it has found more than `enough`, and takes a tree that is too deep to
 * be walked for more: nothing hides at its bottom.
 * @param isLate ends the walk, too, with what it has found.
 */
export async function diskUsage(path: string, enough: number, isLate: () => boolean = () => false): Promise<number> {
  const root = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => null);
  if (root === null) return 0;
  const count: Count = { bytes: 0, enough, isLate, seen: new Set() };
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
  readonly isLate: () => boolean;
  readonly seen: Set<number>;
}

async function countBelow(directory: FileHandle, count: Count, depth: number): Promise<void> {
  const at = `/proc/self/fd/${directory.fd}`;
  // One by one: a container can make more names than memory holds.
  for await (const { name } of await opendir(at)) {
    if (count.bytes > count.enough || count.isLate()) return;
    const about = await lstat(`${at}/${name}`).catch(() => null);
    if (about === null || count.seen.has(about.ino)) continue;
    if (about.nlink > 1 && !about.isDirectory()) count.seen.add(about.ino);
    count.bytes += about.blocks * BLOCK_BYTES;
    if (!about.isDirectory()) continue;
    if (depth === DEEPEST) count.bytes = Math.max(count.bytes, count.enough + 1);
    if (depth === DEEPEST) return;
    const below = await open(`${at}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => null);
    if (below === null) continue;
    try {
      await countBelow(below, count, depth + 1);
    } finally {
      await below.close();
    }
  }
}
