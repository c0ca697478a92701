import { randomBytes } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { open, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const MOST_ROUNDS = 1000;

/**
 * Removes a directory tree nobody works in any more; succeeds when there is none. Trees that a container made deeper
 * than a path may be long are folded up first, so that none can refuse to go. Links are removed, and nothing behind them.
 * However many names a directory has, only some are in memory at a time.
 */
export async function removeTree(path: string): Promise<void> {
  for (let round = 0; ; round += 1) {
    try {
      await removeDirectory(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG' || round === MOST_ROUNDS) throw error;
      await liftDeepest(path).catch(unlessGone);
    }
  }
}

/** Names of one directory that are read, and removed, at once. */
const MOST_NAMES = 256;

async function removeDirectory(path: string): Promise<void> {
  for (let names = await firstNames(path); names.length > 0; names = await firstNames(path)) {
    const directories = names.filter((entry) => entry.isDirectory());
    const others = names.filter((entry) => !entry.isDirectory());
    await allSettled(others.map(({ name }) => unlink(join(path, name)).catch(unlessGone)));
    // One after the other: each takes as much memory as this one.
    for (const { name } of directories) await removeDirectory(join(path, name));
  }
  await rmdir(path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOTDIR' ? unlink(path).catch(unlessGone) : unlessGone(error),
  );
}

/** @returns no names for what is no directory, or is gone. */
async function firstNames(path: string): Promise<readonly Dirent[]> {
  const names: Dirent[] = [];
  try {
    for await (const entry of entriesOf(path)) if (names.push(entry) === MOST_NAMES) break;
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  return names;
}

/** What is in a directory that is one itself: a link to another is not followed, for what that has is not ours to remove. */
async function* entriesOf(path: string): AsyncIterable<Dirent> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    yield* await opendir(`/proc/self/fd/${directory.fd}`);
  } finally {
    await directory.close();
  }
}

/** Waits for all, also after a failure: nothing goes on behind the caller's back. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Moves the first over-long branch found up to the top. */
async function liftDeepest(top: string): Promise<void> {
  const pending = [top];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const children: string[] = [];
    for await (const entry of entriesOf(path)) if (entry.isDirectory()) children.push(join(path, entry.name));
    if (children.some((child) => Buffer.byteLength(child) > LONG_BYTES)) {
      await rename(path, join(top, `deep-${randomBytes(6).toString('hex')}`));
      return;
    }
    pending.push(...children);
  }
}

const LONG_BYTES = 2048;
