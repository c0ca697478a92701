import { createHash, type KeyObject } from 'node:crypto';
import type {
  RejectedEvidence,
  Signer,
  VerifiedAttestation,
  VerifiedEvidence,
  VerifiedSignature,
} from '../evidence.ts';
import type { UsableAuthority } from './authority.ts';
import type { Evidence } from './found-evidence.ts';
import { verifyKeyless } from './keyless/verify-keyless.ts';
import { verifyNotation } from './notation/verify-notation.ts';
import { type CosignEvidence, type NotationEvidence, openEvidence } from './open-evidence.ts';
import { readStatement, type SaidOfImage } from './read-statement.ts';
import { Rejection, tellingRejection } from './rejection.ts';
import { isSignedBy } from './trusted-key.ts';

/** What evidence is held to. */
export interface EvidenceTerms {
  readonly authorities: readonly UsableAuthority[];
  /** Of the image, any of which evidence may be over: of the index and of the manifest for this node. */
  readonly digests: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Verifies all there is on an image. Whatever does not count is told with its reason; nothing throws for it. */
export async function verifyAll(
  found: AsyncIterable<Evidence> | Iterable<Evidence>,
  terms: EvidenceTerms,
): Promise<VerifiedEvidence> {
  const signatures: VerifiedSignature[] = [];
  const attestations: VerifiedAttestation[] = [];
  const rejected: RejectedEvidence[] = [];
  for await (const evidence of found) {
    const verified = await verifyOne(evidence, terms);
    if (verified instanceof Rejection) rejected.push({ code: verified.code, detail: verified.message });
    else if (verified.attestation) attestations.push(verified.attestation);
    else signatures.push(...verified.signatures);
  }
  return { signatures, attestations, rejected };
}

interface Vouched extends SaidOfImage {
  readonly signer: Signer;
  readonly signedAt: number | null;
}

type Verified =
  | { readonly attestation: VerifiedAttestation; readonly signatures?: never }
  | { readonly signatures: readonly VerifiedSignature[]; readonly attestation?: never };

async function verifyOne(evidence: Evidence, terms: EvidenceTerms): Promise<Verified | Rejection> {
  const rejections: Rejection[] = [];
  const vouched: Vouched[] = [];
  try {
    const opened = openEvidence(evidence);
    for (const authority of terms.authorities) {
      const found = await vouchFor(opened, authority, terms).catch(asRejection);
      if (found instanceof Rejection) rejections.push(found);
      else if (found) vouched.push(found);
    }
  } catch (error) {
    return asRejection(error);
  }
  const [first] = vouched;
  if (!first) {
    return tellingRejection(rejections) ?? new Rejection('unknown-signer', `no authority takes ${evidence.scheme}`);
  }
  const { subjectDigest, attestation } = first;
  if (attestation === null) {
    return { signatures: vouched.map(({ signer, signedAt }) => ({ ...signer, subjectDigest, signedAt })) };
  }
  const signers = vouched.map(({ signer }) => signer);
  const signedAt = vouched.find((one) => one.signedAt !== null)?.signedAt ?? null;
  return { attestation: { ...attestation, signers, subjectDigest, signedAt } };
}

/** @throws whatever is no rejection: a slip of ours. */
function asRejection(error: unknown): Rejection {
  if (error instanceof Rejection) return error;
  throw error;
}

/** @returns null when an authority is of another kind than the evidence. @throws Rejection */
async function vouchFor(
  opened: CosignEvidence | NotationEvidence,
  authority: UsableAuthority,
  { digests, now }: EvidenceTerms,
): Promise<Vouched | null> {
  if (authority.type === 'unusable') throw new Rejection('unusable-authority', `${authority.name}: ${authority.why}`);
  const signed = (signer: string, said: SaidOfImage, signedAt: number | null): Vouched => {
    requireTerm(authority, now);
    return { ...said, signer: { authority: authority.name, kind: authority.type, signer }, signedAt };
  };
  switch (authority.type) {
    case 'key':
      if (opened.maker !== 'cosign') return null;
      requireKey(opened, authority);
      return signed(authority.fingerprint, readStatement(opened, digests), null);
    case 'keyless': {
      if (opened.maker !== 'cosign' || opened.bundle === null) return null;
      const { subject, issuer, signedAt } = await verifyKeyless(opened, authority);
      return signed(`${subject} (${issuer})`, readStatement(opened, digests), signedAt);
    }
    case 'notation': {
      if (opened.maker !== 'notation') return null;
      const { subject, subjectDigest } = verifyNotation(opened.envelope, authority, { digests, now });
      return signed(subject, { subjectDigest, attestation: null }, null);
    }
    default:
      return authority satisfies never;
  }
}

function requireTerm({ name, notBefore, notAfter }: UsableAuthority, now: number): void {
  if (now < notBefore) throw new Rejection('key-not-valid', `${name} does not count yet`);
  if (now > notAfter) throw new Rejection('key-not-valid', `${name} does not count any more`);
}

/** The hint at a key only tells a damaged signature from a stranger's. @throws Rejection */
function requireKey(
  { signatures, signed, keyHint }: CosignEvidence,
  { key, fingerprint, name, revoked }: Extract<UsableAuthority, { readonly type: 'key' }>,
): void {
  if (!signatures.some((signature) => isSignedBy(key, signed, signature))) {
    if (keyHint === hintOf(key)) throw new Rejection('bad-signature', `it is not what the key ${name} signed`);
    throw new Rejection('unknown-signer', 'no key that counts made it');
  }
  if (revoked.has(fingerprint)) throw new Rejection('revoked', `the key ${name} was revoked`);
}

function hintOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}
