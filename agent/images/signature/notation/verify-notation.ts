import { constants, type KeyObject, verify, type X509Certificate } from 'node:crypto';
import * as z from 'zod';
import type { StringMap } from '../../../../manifests/index.ts';
import type { UsableAuthority } from '../authority.ts';
import { named } from '../read-statement.ts';
import { orRejected, Rejection } from '../rejection.ts';
import { nameOf, verifyChain } from './certificate-chain.ts';
import { isAlgorithmOf, type JwsAlgorithm, type JwsEnvelope, readEnvelope } from './read-envelope.ts';

export type NotationTerms = Extract<UsableAuthority, { readonly type: 'notation' }>;

/** Who made a notation signature, and of what. */
export interface NotationSigner {
  readonly subject: string;
  readonly subjectDigest: string;
}

const payloadSchema = z.object({ targetArtifact: z.object({ digest: z.string() }) });

/**
 * Verifies a Notary Project signature (signature-specification.md, trust-store-trust-policy.md): signature, chain to the
 * trust store, revocation, validity by the node's clock, since nobody else's is asked, identity, and only then its payload.
 * @param digests of the image, any of which it may name.
 * @throws Rejection
 */
export function verifyNotation(
  bytes: Buffer,
  authority: NotationTerms,
  { digests, now }: { readonly digests: readonly string[]; readonly now: number },
): NotationSigner {
  const envelope = readEnvelope(bytes);
  const [leaf] = envelope.chain as readonly [X509Certificate];
  if (!isAlgorithmOf(envelope.algorithm, leaf.publicKey)) {
    throw new Rejection('bad-signature', `${envelope.algorithm} is not the algorithm for the key of ${nameOf(leaf)}`);
  }
  if (!isSigned(envelope, leaf.publicKey)) {
    throw new Rejection('bad-signature', `the signature is not over these bytes by the key of ${nameOf(leaf)}`);
  }
  verifyChain(envelope.chain, authority.certificates, { now, signedAt: envelope.signedAt }, authority.revoked);
  if (envelope.expiry !== null && envelope.expiry <= now) {
    throw new Rejection('expired-signature', `it was to count until ${new Date(envelope.expiry).toISOString()}`);
  }
  const { identities } = authority;
  if (identities !== null && !identities.some((attributes) => hasAttributes(leaf, attributes))) {
    throw new Rejection('other-identity', `it is by ${nameOf(leaf)}, who is not named`);
  }
  const { targetArtifact } = orRejected('malformed', 'the payload of a notation signature cannot be read', () =>
    payloadSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(envelope.payload))),
  );
  return { subject: nameOf(leaf), subjectDigest: named([targetArtifact.digest], digests) };
}

const HASHES: Readonly<Record<JwsAlgorithm, string>> = {
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};

function isSigned({ algorithm, signed, signature }: JwsEnvelope, key: KeyObject): boolean {
  const scheme = algorithm.startsWith('PS')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { dsaEncoding: 'ieee-p1363' as const };
  return verify(HASHES[algorithm], signed, { key, ...scheme }, signature);
}

/** By the parsed names, never by their text: a value may hold what looks like another attribute. */
function hasAttributes(certificate: X509Certificate, wanted: StringMap): boolean {
  const subject = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, string | string[]>>;
  return Object.entries(wanted).every(([name, value]) => Object.hasOwn(subject, name) && subject[name] === value);
}
