import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** One descriptor is held for each level; no program makes deeper trees but to harm. */
const DEEPEST = 200;

/**
 * Gives each file and directory below one to a project. A directory comes before what is in it: what is made there meanwhile
 * is the project's by itself, so that containers may go on working. No link is followed; links, pipes and devices take no
 * room and stay as they are.
 * @param give does it to an open file or directory.
 */
export async function giveToProject(root: string, give: (fd: number) => void): Promise<void> {
  const directory = await open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    await giveBelow(directory, give, 0);
  } finally {
    await directory.close();
  }
}

async function giveBelow(directory: FileHandle, give: (fd: number) => void, depth: number): Promise<void> {
  give(directory.fd);
  if (depth === DEEPEST) return;
  const at = `/proc/self/fd/${directory.fd}`;
  // One by one: a container can make more names than memory holds.
  for await (const { name } of await opendir(at)) await giveEntry(`${at}/${name}`, give, depth).catch(ignoreGone);
}

async function giveEntry(path: string, give: (fd: number) => void, depth: number): Promise<void> {
  const about = await lstat(path);
  if (!about.isDirectory() && !about.isFile()) return;
  const entry = await open(path, O_RDONLY | O_NOFOLLOW | (about.isDirectory() ? O_DIRECTORY : O_NONBLOCK));
  try {
    const found = await entry.stat();
    if (found.isDirectory()) await giveBelow(entry, give, depth + 1);
    else if (found.isFile()) give(entry.fd);
  } finally {
    await entry.close();
  }
}

/** What somebody removed or exchanged meanwhile is not there to be given away. */
function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ELOOP' && error.code !== 'ENOTDIR' && error.code !== 'ENXIO')
    throw error;
}
