import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Signer } from './signing.ts';

const run = promisify(execFile);

/** Somebody who writes manifests, commits and pushes. */
export interface Author {
  /** Commits in the work tree and pushes. @returns the commit id. */
  commit(change: Change): Promise<string>;
  /** Any git command in the work tree, for what `commit` does not do. @returns its standard output, trimmed. */
  git(...args: readonly string[]): Promise<string>;
  /** The work tree. */
  readonly directory: string;
}

export interface Change {
  /** Path in the repository to content. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Paths to remove. */
  readonly remove?: readonly string[];
  readonly message: string;
  /** Who signs; the author's own signer unless given, nobody when null. */
  readonly sign?: Signer | null;
}

/**
 * Starts an empty work tree on branch `main`.
 * @param options directory: made for it. remote: url or directory it pushes to. signer: who signs what it commits, or null.
 */
export async function createAuthor(options: {
  readonly directory: string;
  readonly remote: string;
  readonly signer: Signer | null;
}): Promise<Author> {
  const { directory, remote, signer } = options;
  await mkdir(directory, { recursive: true });
  const git = (...args: readonly string[]): Promise<string> => gitAs(null, args);
  const gitAs = async (signing: Signer | null, args: readonly string[]): Promise<string> => {
    const keys = signing?.kind === 'gpg' ? { GNUPGHOME: signing.home } : {};
    const { stdout } = await run('git', args, { cwd: directory, env: { ...AUTHOR_ENVIRONMENT, ...keys } });
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  return {
    directory,
    git,
    commit: async ({ files = {}, remove = [], message, sign = signer }) => {
      for (const path of remove) await rm(join(directory, path), { recursive: true });
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await writeFile(join(directory, path), content);
      }
      await git('add', '--all');
      await gitAs(sign, [...signingFlags(sign), 'commit', '--quiet', '--allow-empty', '-m', message]);
      await git('push', '--quiet', remote, 'HEAD:refs/heads/main');
      return git('rev-parse', 'HEAD');
    },
  };
}

const AUTHOR_ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Author',
  GIT_AUTHOR_EMAIL: 'author@example.org',
  GIT_COMMITTER_NAME: 'Author',
  GIT_COMMITTER_EMAIL: 'author@example.org',
};

/** Goes before the sub-command. */
function signingFlags(signer: Signer | null): readonly string[] {
  if (!signer) return ['-c', 'commit.gpgSign=false'];
  const [format, key] = signer.kind === 'ssh' ? ['ssh', signer.keyFile] : ['openpgp', signer.fingerprint];
  return ['commit.gpgSign=true', `gpg.format=${format}`, `user.signingKey=${key}`].flatMap((setting) => [
    '-c',
    setting,
  ]);
}
