import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGitSource, type GitSourceOptions, type Source } from '../../agent/source/index.ts';
import { type Author, createAuthor } from '../world/git-author.ts';
import { type GitServer, type GitServerOptions, startGitServer } from '../world/git-server.ts';
import { createSshSigner, type SshSigner, writeAllowedSigners } from '../world/signing.ts';
import { makeTempDir } from '../world/temp-dir.ts';

/** A Git server, one trusted signer, and sources that trust her. */
export interface SourceWorld {
  readonly server: GitServer;
  readonly directory: string;
  /** Trusted. */
  readonly alice: SshSigner;
  readonly allowedSigners: string;
  /** Writes a private file. @returns its path. */
  secretFile(name: string, content: string): Promise<string>;
  /** A new repository with an author who signs as alice. */
  repository(): Promise<Repository>;
  stop(): Promise<void>;
}

/** One repository on the server. */
export interface Repository {
  readonly name: string;
  /** Where the server has it. */
  readonly path: string;
  readonly author: Author;
  /** A source with a state directory of its own, or the one given, over file:// unless told otherwise. */
  source(changes?: Partial<GitSourceOptions>): Promise<Source>;
  options(changes?: Partial<GitSourceOptions>): GitSourceOptions;
}

/** Starts it. `stop` takes everything away. */
export async function startSourceWorld(options: GitServerOptions = {}): Promise<SourceWorld> {
  const directory = await makeTempDir();
  const server = await startGitServer(options);
  const alice = await createSshSigner({ directory: join(directory.path, 'keys'), principal: 'alice@example.org' });
  const allowedSigners = join(directory.path, 'allowed_signers');
  await writeAllowedSigners(allowedSigners, [{ signer: alice }]);
  let count = 0;
  const next = (kind: string): string => `${kind}-${++count}`;
  return {
    server,
    directory: directory.path,
    alice,
    allowedSigners,
    secretFile: async (name, content) => {
      const path = join(directory.path, name);
      await writeFile(path, content, { mode: 0o600 });
      return path;
    },
    repository: async () => {
      const name = next('fleet');
      const path = await server.createRepository(name);
      const author = await createAuthor({
        directory: join(directory.path, `${name}-work`),
        remote: path,
        signer: alice,
      });
      const optionsFor = (changes: Partial<GitSourceOptions> = {}): GitSourceOptions => ({
        url: server.fileUrl(name),
        branch: 'main',
        path: '',
        stateDir: join(directory.path, next('state')),
        allowedSigners,
        gpgKeyring: null,
        auth: {},
        ...changes,
      });
      return { name, path, author, options: optionsFor, source: (changes) => createGitSource(optionsFor(changes)) };
    },
    stop: async () => {
      await server.stop();
      await directory.remove();
    },
  };
}

/** @returns the coded error a promise rejects with. Fails when it resolves. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; commit: string | null }> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error) => error,
  );
}
