import { constants, lchownSync } from 'node:fs';
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Deeper trees are left as they are: no program makes them but to harm. */
const DEEPEST = 64;

/**
 * Gives a volume to a group, as `fsGroup` asks: the group may read and write, and what is made in it later is the group's
 * too. Other containers may work in it meanwhile: every name is resolved from an open directory, and no link is followed.
 * @param policy `OnRootMismatch` does nothing when the root is the group's already.
 */
export async function takeGroup(root: string, gid: number, policy: 'OnRootMismatch' | null): Promise<void> {
  const directory = await open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    const about = await directory.stat();
    if (policy === 'OnRootMismatch' && about.gid === gid && (about.mode & 0o2070) === 0o2070) return;
    await takeBelow(directory, gid, 0);
    // Last: a root that is the group's says that all below it is.
    await takeDirectory(directory, gid);
  } finally {
    await directory.close();
  }
}

async function takeDirectory(directory: FileHandle, gid: number): Promise<void> {
  const { uid, mode } = await directory.stat();
  await directory.chown(uid, gid);
  await directory.chmod((mode & 0o7777) | 0o2770);
}

async function takeBelow(directory: FileHandle, gid: number, depth: number): Promise<void> {
  if (depth === DEEPEST) return;
  const at = `/proc/self/fd/${directory.fd}`;
  // One by one: a container can make more names than memory holds.
  for await (const { name } of await opendir(at)) await takeEntry(`${at}/${name}`, gid, depth).catch(ignoreGone);
}

async function takeEntry(path: string, gid: number, depth: number): Promise<void> {
  const about = await lstat(path);
  if (!about.isDirectory() && !about.isFile()) {
    lchownSync(path, about.uid, gid);
    return;
  }
  const kind = about.isDirectory() ? O_DIRECTORY : O_NONBLOCK;
  const entry = await open(path, O_RDONLY | O_NOFOLLOW | kind);
  try {
    const found = await entry.stat();
    if (found.isDirectory()) {
      await takeBelow(entry, gid, depth + 1);
      await takeDirectory(entry, gid);
    } else if (found.isFile()) {
      await entry.chown(found.uid, gid);
      await entry.chmod((found.mode & 0o7777) | 0o660);
    }
  } finally {
    await entry.close();
  }
}

/** What somebody removed or exchanged meanwhile is not there to be given away. */
function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ELOOP' && error.code !== 'ENOTDIR') throw error;
}
