import type { Git, GitResult } from './git-command.ts';
import type { Remote } from './remote.ts';
import { SourceError } from './source.ts';

const UNAUTHORIZED =
  /authentication failed|could not read (username|password)|permission denied|host key verification failed|error: 40[13]\b/i;
const NOT_FOUND = /repository '.*' not found|does not appear to be a git repository|not found: did you run/i;
const BAD_OBJECTS = /\bfsck\b|object corrupt|did not receive expected object|missing (tree|blob|commit)/i;

/**
 * Says why a fetch failed. What git wrote is not enough to tell a bad server from a damaged local repository,
 * so the server is asked once more, without the local repository taking part.
 */
export async function fetchFailure(git: Git, remote: Remote, result: GitResult): Promise<SourceError> {
  const from = `${remote.branch} of ${remote.url}`;
  if (result.stopped === 'timeout') {
    return new SourceError('unreachable', `fetching ${from} took too long and was ended; it is tried again later`);
  }
  if (result.stopped === 'signal') {
    return new SourceError(
      'too-large',
      `fetching ${from} brought more than ${remote.packBytes} bytes and was ended; ` +
        'keep large files out of the repository, or raise limits.packBytes',
    );
  }
  if (result.stopped === 'output') {
    return new SourceError('unreachable', `fetching ${from} was ended, for the server sent messages without end`);
  }
  const probe = await git.run({ args: ['ls-remote', '--exit-code', remote.url, `refs/heads/${remote.branch}`] });
  if (probe.stopped === null && probe.exitCode === 2) {
    return new SourceError(
      'not-found',
      `${remote.url} has no branch ${remote.branch}; push it, or correct source.branch`,
    );
  }
  if (probe.stopped !== null || probe.exitCode !== 0) return unreachable(remote, probe.stderr || result.stderr);
  if (BAD_OBJECTS.test(result.stderr)) {
    return new SourceError('unsafe-tree', `${from} has objects that git refuses: ${result.stderr}`);
  }
  return new SourceError('local-copy', `fetching ${from} failed although the server answers: ${result.stderr}`);
}

function unreachable(remote: Remote, stderr: string): SourceError {
  if (UNAUTHORIZED.test(stderr)) {
    return new SourceError(
      'unauthorized',
      `${remote.url} refused this node, or is not the host it should be; check the files named in source.auth. git says: ${stderr}`,
    );
  }
  if (NOT_FOUND.test(stderr)) {
    return new SourceError(
      'not-found',
      `there is no repository at ${remote.url}; correct source.url. git says: ${stderr}`,
    );
  }
  return new SourceError('unreachable', `cannot reach ${remote.url}; it is tried again later. git says: ${stderr}`);
}
