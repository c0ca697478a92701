import { readFile } from 'node:fs/promises';
import { writeDurably } from '../../native/index.ts';
import { SourceError } from './source.ts';

/** The newest commit this node ever accepted; what binds every later one. */
export interface AcceptedCommit {
  /** @returns its full id, or null before the first. @throws SourceError `local-copy` when the file is damaged: then nothing is accepted. */
  read(): Promise<string | null>;
  /** Survives a power cut once it resolves. */
  write(commit: string): Promise<void>;
}

/** Keeps it in a file of its own, apart from the repository, so that a lost repository forgets nothing. */
export function createAcceptedCommit(path: string): AcceptedCommit {
  return {
    read: async () => {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw new SourceError('local-copy', `cannot read ${path}: ${error.message}`);
      });
      return text === null ? null : parse(path, text);
    },
    write: (commit) => writeDurably(path, `${JSON.stringify({ commit })}\n`),
  };
}

function parse(path: string, text: string): string {
  const commit = /^\{"commit":"([0-9a-f]{40})"\}\n$/.exec(text)?.[1];
  if (commit !== undefined) return commit;
  throw new SourceError(
    'local-copy',
    `${path} is damaged, so no commit can be checked against the last accepted one; ` +
      `write {"commit":"<full id>"} and a newline into it, or remove it to accept whatever signed commit comes next`,
  );
}
