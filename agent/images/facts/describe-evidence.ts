import type { AttestationFacts, ImageFacts, SignerFacts } from '../../../policies/index.ts';
import { readAttestation } from '../attestations/read-attestation.ts';
import type { Signer, VerifiedAttestation, VerifiedEvidence } from '../evidence.ts';
import { withoutOldLists } from './without-old-lists.ts';

/** What is known of who vouches for an image. */
export type EvidenceFacts = Pick<ImageFacts, 'signatures' | 'attestations' | 'rejected'>;

/**
 * Describes what was verified, in the words of policies; attestations are read here.
 * @param digests of the image, any of which an attestation may speak of.
 */
export function describeEvidence(evidence: VerifiedEvidence, digests: readonly string[]): EvidenceFacts {
  const read = evidence.attestations.map((attestation) => describeAttestation(attestation, digests));
  return {
    signatures: evidence.signatures.map(({ signedAt, subjectDigest, ...signer }) => ({
      ...signerFacts(signer),
      subjectDigest,
      signedAtNs: toNs(signedAt),
    })),
    attestations: withoutOldLists(read),
    rejected: evidence.rejected.map(({ code, detail }) => ({ code, detail })),
  };
}

function describeAttestation(attestation: VerifiedAttestation, digests: readonly string[]): AttestationFacts {
  const { predicateType, predicate, signers, subjectDigest, signedAt } = attestation;
  return {
    ...readAttestation(predicateType, predicate, digests),
    predicateType,
    signers: signers.map(signerFacts),
    subjectDigest,
    signedAtNs: toNs(signedAt),
  };
}

function signerFacts({ authority, kind, signer }: Signer): SignerFacts {
  return { authority, kind, signer };
}

function toNs(ms: number | null): number | null {
  return ms === null ? null : ms * 1_000_000;
}
