import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const MOST_ROUNDS = 1000;

/**
 * Removes a directory tree nobody works in any more; succeeds when there is none. Trees that a container made deeper
 * than a path may be long are folded up first, so that none can refuse to go.
 */
export async function removeTree(path: string): Promise<void> {
  for (let round = 0; ; round += 1) {
    try {
      await rm(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG' || round === MOST_ROUNDS) throw error;
      await liftDeepest(path).catch(unlessGone);
    }
  }
}

/** rm tells of its first error while it still removes elsewhere: what was there a moment ago may be gone. */
function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Moves the first over-long branch found up to the top. */
async function liftDeepest(top: string): Promise<void> {
  const pending = [top];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const entries = await readdir(path, { withFileTypes: true });
    const children = entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
    if (children.some((child) => Buffer.byteLength(child) > LONG_BYTES)) {
      await rename(path, join(top, `deep-${randomBytes(6).toString('hex')}`));
      return;
    }
    pending.push(...children);
  }
}

const LONG_BYTES = 2048;
