import type { CommitObject } from './commit-object.ts';
import type { Git } from './git-command.ts';
import { SourceError } from './source.ts';

/**
 * Verifies the signature of a commit with `git verify-commit`, which also judges the time limits of the key.
 * @param options gnupgHome: a home that holds only trusted keys. SSH signers come from git's own configuration.
 * @returns who signed: the principal, or the fingerprint of the primary OpenPGP key.
 * @throws SourceError `unsigned`, or `untrusted-signer` for every other reason not to trust it.
 */
export async function verifySignature(
  git: Git,
  object: CommitObject,
  options: { readonly gnupgHome: string },
): Promise<string> {
  const { commit, signature } = object;
  if (signature === null) {
    throw new SourceError('unsigned', `commit ${commit} has no signature; sign it (git commit -S) and push again`, {
      commit,
    });
  }
  const result = await git.run({
    args: ['verify-commit', '--raw', commit],
    environment: { GNUPGHOME: options.gnupgHome },
  });
  if (result.stopped !== null)
    throw new SourceError('local-copy', `verifying commit ${commit} took too long`, { commit });
  const signer = result.exitCode === 0 ? signerOf(signature, result.stderr) : null;
  if (signer !== null) return signer;
  throw new SourceError(
    'untrusted-signer',
    `the ${signature} signature of commit ${commit} is not by a trusted key, or not valid; ` +
      `have it signed by a configured signer, or add the signer to the configuration. git says: ${result.stderr}`,
    { commit },
  );
}

/** The exit code said that it is trusted; this says who, and trusts nobody when it cannot say exactly one. */
function signerOf(signature: CommitObject['signature'], output: string): string | null {
  if (signature === 'ssh') return only(output.matchAll(/^Good "git" signature for (.+) with \S+ key SHA256:\S+$/gm));
  // Status lines of gnupg's doc/DETAILS: the last field of VALIDSIG is the fingerprint of the primary key.
  if (signature === 'gpg') return only(output.matchAll(/^\[GNUPG:\] VALIDSIG .*\b([0-9A-F]{40,64})$/gm));
  return null;
}

function only(matches: Iterable<RegExpExecArray>): string | null {
  const [first, second] = [...matches];
  return second === undefined ? (first?.[1] ?? null) : null;
}
