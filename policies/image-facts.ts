import type { StringMap } from '../manifests/index.ts';
import type { AttestationFacts, SignerFacts } from './attestation-facts.ts';

/** What is known of an image before a byte of its layers is pulled. Times ending in `Ns` are nanoseconds since 1970. */
export interface ImageFacts {
  /** `registry/path` in full, such as `docker.io/library/debian`; scopes in settings are matched against it. */
  readonly repository: string;
  /** Manifest digest for this node's platform, `sha256:…`. */
  readonly digest: string;
  /** Digest of what the reference named: an index, or the same manifest. */
  readonly topDigest: string;
  /** Digest the reference itself names (a pin); null when only a tag does. */
  readonly pinnedDigest: string | null;
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | null;

  /** User of the image config, as written there; empty means root. */
  readonly user: string;
  readonly labels: StringMap;
  /** Names of the variables the image sets; values may be secrets that were left in it. */
  readonly envNames: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  /** As written: `8080/tcp`. */
  readonly exposedPorts: readonly string[];
  readonly stopSignal: string;
  readonly hasHealthcheck: boolean;
  /** When it says it was made, RFC 3339; null when it does not say or that is no time. Its age is `input.now - createdNs`. */
  readonly created: string | null;
  readonly createdNs: number | null;

  /** Sum of the layers as they are fetched. */
  readonly compressedBytes: number;
  readonly layerCount: number;
  /** Lowest first. */
  readonly layers: readonly LayerFacts[];
  /** What it says it was made from: annotations `org.opencontainers.image.base.*`, else labels of that name. */
  readonly base: { readonly name: string | null; readonly digest: string | null };

  /** Names of the trusted keys whose signature over the pinned or resolved digest verified. */
  readonly signedBy: readonly string[];
  /** Signatures that verified. */
  readonly signatures: readonly SignatureFacts[];
  /** Attestations that verified, and what is in them. One that did not verify is never here. */
  readonly attestations: readonly AttestationFacts[];
  /** Signatures and attestations that were found and do not count, by why. */
  readonly rejected: readonly { readonly code: string; readonly detail: string }[];
}

/** One layer. */
export interface LayerFacts {
  readonly digest: string;
  /** Of the unpacked layer: the same whoever compressed it. */
  readonly diffId: string;
  readonly compressedBytes: number;
}

/** A signature that says no more than "this image is ours". */
export interface SignatureFacts extends SignerFacts {
  /** Of the manifest, or of the index that leads to it. */
  readonly subjectDigest: string;
  /** When it was made, as a log or a timestamp authority says; null when nobody says. */
  readonly signedAtNs: number | null;
}
