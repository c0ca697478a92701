import { fetchHistory } from './fetch.ts';
import type { Git } from './git-command.ts';
import type { Remote } from './remote.ts';
import { SourceError } from './source.ts';

/** More commits of history asked for each time; after the last, all of it. */
const DEEPENINGS = [50, 500, 5_000] as const;

/**
 * Proves that a tip is the accepted commit or a descendant of it. When the local copy was made anew and does not know
 * the accepted commit, older history is fetched until it does, or until there is no more.
 * @throws SourceError `not-descendant` when it is not proven.
 */
export async function requireDescendant(
  git: Git,
  commits: { readonly accepted: string; readonly tip: string; readonly remote: Remote },
): Promise<void> {
  const { accepted, tip, remote } = commits;
  if (accepted === tip) return;
  for (const deepening of DEEPENINGS) {
    if ((await hasCommit(git, accepted)) || !(await isShallow(git))) break;
    await fetchHistory(git, remote, deepening);
  }
  if (!(await hasCommit(git, accepted)) && (await isShallow(git))) await fetchHistory(git, remote, 'all');
  if ((await hasCommit(git, accepted)) && (await isAncestor(git, accepted, tip))) return;
  throw new SourceError(
    'not-descendant',
    `${remote.branch} is now at ${tip}, which does not follow the accepted commit ${accepted}: ` +
      'history was rewritten or rolled back. Undo changes with a new commit (git revert) on top of the accepted one',
    { commit: tip },
  );
}

async function hasCommit(git: Git, commit: string): Promise<boolean> {
  const answer = await git.read({ args: ['cat-file', '--batch-check'], input: `${commit}\n` });
  return answer.toString('utf8').startsWith(`${commit} commit `);
}

async function isShallow(git: Git): Promise<boolean> {
  const answer = await git.read({ args: ['rev-parse', '--is-shallow-repository'] });
  return answer.toString('utf8').trim() === 'true';
}

async function isAncestor(git: Git, ancestor: string, descendant: string): Promise<boolean> {
  const result = await git.run({ args: ['merge-base', '--is-ancestor', ancestor, descendant] });
  if (result.stopped === null && result.exitCode <= 1) return result.exitCode === 0;
  throw new SourceError('local-copy', `cannot compare commits in the local copy: ${result.stderr || result.stopped}`);
}
