import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './git-command.ts';

/** The tip as last fetched, verified or not: it keeps a refused tip from being fetched again at every poll. */
export const CANDIDATE_REF = 'refs/holdfast/candidate';
/** Keeps the accepted commit from being collected. */
export const ACCEPTED_REF = 'refs/holdfast/accepted';

/** Makes the bare repository, empty, unless it is there. */
export async function ensureRepository(git: Git): Promise<void> {
  if (await hasRepository(git)) return;
  await rm(git.directory, { recursive: true, force: true });
  await mkdir(git.directory, { recursive: true, mode: 0o700 });
  await git.read({ args: ['init', '--bare', '--quiet', '--template='] });
}

/** @returns the commit a reference names, or null when there is no such reference. */
export async function readRef(git: Git, ref: string): Promise<string | null> {
  const text = (await git.read({ args: ['for-each-ref', '--format=%(objectname)', ref] })).toString('utf8').trim();
  return text === '' ? null : text;
}

/** Points the accepted reference at a commit. */
export async function keepAccepted(git: Git, commit: string): Promise<void> {
  await git.read({ args: ['update-ref', ACCEPTED_REF, commit] });
}

/** Puts a freshly cloned repository in the place of a damaged one. A crash in between leaves none, and the next poll clones again. */
export async function replaceRepository(paths: { readonly damaged: string; readonly fresh: string }): Promise<void> {
  await rm(paths.damaged, { recursive: true, force: true });
  await rename(paths.fresh, paths.damaged);
}

/** @returns whether there is something in its place; it may be damaged. */
export async function hasRepository(git: Git): Promise<boolean> {
  return stat(join(git.directory, 'HEAD')).then(
    () => true,
    () => false,
  );
}
