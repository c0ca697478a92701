import type { Git } from './git-command.ts';
import { SourceError } from './source.ts';

/** What a commit object says of itself; nothing in it is trusted before its signature is. */
export interface CommitObject {
  readonly commit: string;
  /** Milliseconds since the epoch. */
  readonly committedAt: number;
  /** First line of the message, without control characters, at most 200 characters. */
  readonly subject: string;
  readonly signature: SignatureKind | null;
}

/** By the armor of the signature; `other` is X.509 or something newer, which is never accepted. */
export type SignatureKind = 'ssh' | 'gpg' | 'other';

/**
 * @param commit full commit id.
 * @returns null when the local copy does not have it.
 * @throws SourceError `unsafe-tree` when the id names another kind of object.
 */
export async function readCommit(git: Git, commit: string): Promise<CommitObject | null> {
  const answer = await git.read({ args: ['cat-file', '--batch'], input: `${commit}\n` });
  const end = answer.indexOf('\n');
  const [, type] = answer.subarray(0, end).toString('utf8').split(' ');
  if (type === 'missing') return null;
  if (type !== 'commit') throw new SourceError('unsafe-tree', `${commit} is a ${type}, not a commit`, { commit });
  return parseCommit(commit, answer.subarray(end + 1).toString('utf8'));
}

/** The format of git-cat-file(1) for commits: headers, an empty line, the message. */
export function parseCommit(commit: string, text: string): CommitObject {
  const [headers = '', message = ''] = splitOnce(text, '\n\n');
  const committer = /^committer .*> (\d{1,15}) [+-]\d{4}$/m.exec(headers);
  if (!committer) throw new SourceError('unsafe-tree', `commit ${commit} has no committer time`, { commit });
  const [subject = ''] = message.trimStart().split('\n');
  return {
    commit,
    committedAt: Number(committer[1]) * 1000,
    subject: subject
      .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
      .slice(0, 200)
      .trimEnd(),
    signature: signatureKind(headers),
  };
}

function signatureKind(headers: string): SignatureKind | null {
  const armor = /^gpgsig(?:-sha256)? (.*)$/m.exec(headers);
  if (!armor) return null;
  if (armor[1] === '-----BEGIN SSH SIGNATURE-----') return 'ssh';
  return armor[1]?.startsWith('-----BEGIN PGP ') ? 'gpg' : 'other';
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
