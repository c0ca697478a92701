import { fetchFailure } from './fetch-failure.ts';
import type { Git } from './git-command.ts';
import { watchPack } from './pack-watch.ts';
import type { Remote } from './remote.ts';
import { CANDIDATE_REF, readRef } from './repository.ts';
import { SourceError } from './source.ts';

/**
 * Brings the tip of the branch into the local repository: alone the first time, later with every commit since.
 * @returns its full commit id; nothing about it is verified.
 * @throws SourceError
 */
export async function fetchTip(git: Git, remote: Remote): Promise<string> {
  const isFirst = (await readRef(git, CANDIDATE_REF)) === null;
  await fetch(git, remote, isFirst ? ['--depth=1'] : []);
  const tip = await readRef(git, CANDIDATE_REF);
  if (tip === null) throw new SourceError('local-copy', `git fetched ${remote.branch} but left no reference to it`);
  return tip;
}

/** Brings older history of the tip. @param commits how many more, or `all`. @throws SourceError */
export async function fetchHistory(git: Git, remote: Remote, commits: number | 'all'): Promise<void> {
  await fetch(git, remote, [commits === 'all' ? '--unshallow' : `--deepen=${commits}`]);
}

async function fetch(git: Git, remote: Remote, depth: readonly string[]): Promise<void> {
  const watch = watchPack(git.directory, remote.packBytes);
  const fixed = ['--quiet', '--force', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];
  const refspec = `refs/heads/${remote.branch}:${CANDIDATE_REF}`;
  try {
    const result = await git.run({ args: ['fetch', ...fixed, ...depth, remote.url, refspec], signal: watch.signal });
    if (result.exitCode !== 0 || result.stopped !== null) throw await fetchFailure(git, remote, result);
  } finally {
    await watch.end();
  }
}
