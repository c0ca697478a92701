import type { StringMap } from './workload.ts';

/** What an ImagePolicy asks of the images of some repositories. */
export interface ImageTrust {
  /** Labels of the nodes it holds on; none is every node. */
  readonly nodeSelector: StringMap;
  /** `registry/path` of which whole components must match, or `*` for every image. */
  readonly repositories: readonly string[];
  /** Whether images may run that nobody vouches for; then nothing else is asked. */
  readonly acceptsUnsigned: boolean;
  readonly authorities: readonly Authority[];
  /** Distinct signers that must have signed. */
  readonly threshold: number;
  readonly attestations: readonly RequiredAttestation[];
  /** SHA-256 fingerprints, `sha256:…`, of public keys and certificates (both in DER) that do not count any more. */
  readonly revoked: readonly string[];
}

/** Somebody whose signature counts, under a name of this policy. */
export type Authority = KeyAuthority | KeylessAuthority | NotationAuthority;

interface AuthorityTerm {
  readonly name: string;
  /** The time in which it counts, by the node's clock, RFC 3339 in UTC to the second; null has no end. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
}

/** Whoever has a private key: cosign's signatures and attestations. */
export interface KeyAuthority extends AuthorityTerm {
  readonly type: 'key';
  /** A public key in PEM. */
  readonly key: TextSource;
}

/** An identity that a Fulcio vouched for at the time of signing: sigstore's keyless signatures and attestations. */
export interface KeylessAuthority extends AuthorityTerm {
  readonly type: 'keyless';
  /** sigstore's `trusted_root.json`: its certificate authorities, logs and timestamp authorities. */
  readonly trustedRoot: TextSource;
  readonly identities: readonly KeylessIdentity[];
  /** Entries in transparency logs that a signature must have. */
  readonly logEntries: number;
  /** Logs that must have seen the certificate. */
  readonly certificateLogs: number;
  /** Timestamps of timestamp authorities that a signature must have; without any, its log entry says when it was made. */
  readonly timestamps: number;
}

/** Both must match. */
export interface KeylessIdentity {
  /** Of the token that the certificate was given for, such as `https://token.actions.githubusercontent.com`. */
  readonly issuer: TextMatch;
  /** An e-mail address or URI. */
  readonly subject: TextMatch;
}

/** The whole text: as it is, or by a regular expression. */
export type TextMatch =
  | { readonly type: 'exact'; readonly text: string }
  | { readonly type: 'pattern'; readonly pattern: string };

/** Whoever has a certificate of a trust store: Notary Project signatures. */
export interface NotationAuthority extends AuthorityTerm {
  readonly type: 'notation';
  /** Certificates in PEM; the chain of a signature must lead to one of them. */
  readonly certificates: TextSource;
  /** Attributes, such as `O=acme`, that the subject of the signer's certificate must have, in one of these sets; null is any. */
  readonly identities: readonly StringMap[] | null;
}

/** A text in the commit, or in a file of the node. */
export type TextSource =
  | { readonly type: 'inline'; readonly text: string }
  | { readonly type: 'file'; readonly path: string };

/** A statement about the image that must be there. */
export interface RequiredAttestation {
  readonly predicateType: string;
  /** Names of those who may make it. */
  readonly authorities: readonly string[];
  /** Distinct signers that must have made one. */
  readonly threshold: number;
  /** The oldest that counts; null is any age. */
  readonly maxAgeHours: number | null;
}
