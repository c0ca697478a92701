/** How a signer is known: by a key, by an identity that a certificate authority vouched for, or by a trust store. */
export type SignerKind = 'key' | 'keyless' | 'notation';

/** Somebody whose signature verified and counts. */
export interface Signer {
  /** Name of the key in the agent's configuration, or of the authority in an ImagePolicy. */
  readonly authority: string;
  readonly kind: SignerKind;
  /**
   * Who it is, the same in every authority, so that a threshold counts each once: the key's `sha256:…` fingerprint, the
   * certificate's `subject (issuer)` for keyless, its distinguished name for notation.
   */
  readonly signer: string;
}

/** A signature that says no more than "this image is ours". */
export interface VerifiedSignature extends Signer {
  /** The digest that was signed: of the manifest, or of the index that leads to it. */
  readonly subjectDigest: string;
  /** When it was made, as a log or a timestamp authority says, milliseconds since the epoch; null when nobody says. */
  readonly signedAt: number | null;
}

/** A value as JSON has it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** An in-toto statement about an image, signed by somebody who counts. Its content was not looked into. */
export interface VerifiedAttestation {
  /** Such as `https://slsa.dev/provenance/v1`. */
  readonly predicateType: string;
  readonly predicate: JsonValue;
  /** At least one. */
  readonly signers: readonly Signer[];
  readonly subjectDigest: string;
  readonly signedAt: number | null;
}

/** Why a signature or attestation does not count. Closed, and told to policies. */
export type RejectionCode =
  /** Its blob, or the manifest that leads to it, does not have the digest that it was asked for by. */
  | 'digest-mismatch'
  /** It is missing from the registry though an index or a manifest names it. */
  | 'missing'
  /** More or larger than is looked at. */
  | 'too-large'
  /** It does not have the form it says it has. */
  | 'malformed'
  /** What was signed names another image. */
  | 'other-image'
  /** The artifact refers to another image than the one it was listed for. */
  | 'other-subject'
  /** Made in a way that is not supported, such as COSE, or a signature of bare bytes. */
  | 'unsupported'
  /** It was signed by nobody that any authority knows. */
  | 'unknown-signer'
  /** The signature does not verify though its certificate is one that counts. */
  | 'bad-signature'
  /** The certificate leads to no authority that is trusted, or is not for signing. */
  | 'untrusted-certificate'
  /** The certificate was not valid when it was used. */
  | 'expired-certificate'
  /** It is valid and by somebody the authority does not name. */
  | 'other-identity'
  /** The certificate was not logged as the trusted root wants it. */
  | 'no-certificate-log'
  /** The signature is not in the log, or its entry is of another one. */
  | 'no-log-entry'
  /** No timestamp that the trusted root or the authority wants. */
  | 'no-timestamp'
  /** The signature itself says that it is too old. */
  | 'expired-signature'
  /** The key counts only later, or not any more. */
  | 'key-not-valid'
  /** The key or a certificate was revoked. */
  | 'revoked'
  /** The authority cannot be used: a file it names cannot be read. */
  | 'unusable-authority';

/** A signature or attestation that was found and does not count. */
export interface RejectedEvidence {
  readonly code: RejectionCode;
  /** For a person: what it is, and what is wrong with it. */
  readonly detail: string;
}

/** All that is known of who vouches for an image. */
export interface VerifiedEvidence {
  readonly signatures: readonly VerifiedSignature[];
  readonly attestations: readonly VerifiedAttestation[];
  readonly rejected: readonly RejectedEvidence[];
}
