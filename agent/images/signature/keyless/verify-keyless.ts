import { X509Certificate } from 'node:crypto';
import type { UsableAuthority } from '../authority.ts';
import { isRevoked } from '../fingerprint.ts';
import { matchesIdentity } from '../identity.ts';
import type { CosignEvidence } from '../open-evidence.ts';
import { Rejection } from '../rejection.ts';
import { isSignedBy } from '../trusted-key.ts';

export type KeylessTerms = Extract<UsableAuthority, { readonly type: 'keyless' }>;

/** Who made a keyless signature, and when. */
export interface KeylessSigner {
  readonly subject: string;
  readonly issuer: string;
  /** As the log or timestamp authority has it, the earliest of them, milliseconds since the epoch. */
  readonly signedAt: number;
}

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

/**
 * Verifies a keyless signature: certificate, log, timestamps and signature by sigstore's library, and what that leaves to
 * its callers here: that the certificate is one for signing, not revoked, and of an identity that counts.
 * @throws Rejection
 */
export async function verifyKeyless(evidence: CosignEvidence, authority: KeylessTerms): Promise<KeylessSigner> {
  // Loaded on use: an agent without keyless authorities never pays for it.
  const sigstore = await import('./sigstore.ts');
  const parsed = sigstore.readBundle(evidence.bundle);
  const leaf = readLeaf(parsed.leaf);
  if (!evidence.signatures.some((signature) => isSignedBy(leaf.publicKey, evidence.signed, signature))) {
    throw new Rejection('bad-signature', 'the signature is not over these bytes by the key of its certificate');
  }
  if (leaf.ca || !leaf.keyUsage?.includes(CODE_SIGNING)) {
    throw new Rejection('untrusted-certificate', 'the certificate is not for signing code');
  }
  const { subject, issuer, signedAt } = sigstore.verifyBundle(parsed, evidence.signed, authority);
  if (isRevoked(leaf, authority.revoked)) throw new Rejection('revoked', `the certificate of ${subject} was revoked`);
  if (!authority.identities.some((identity) => matchesIdentity(identity, { issuer, subject }))) {
    throw new Rejection('other-identity', `it is by ${subject} (${issuer}), who is not named`);
  }
  return { subject, issuer, signedAt };
}

function readLeaf(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new Rejection('malformed', 'the certificate of a signature cannot be read', { cause });
  }
}
