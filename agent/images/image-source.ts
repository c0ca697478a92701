import type { ImagePolicy } from '../../manifests/index.ts';
import type { ImageFacts } from '../../policies/index.ts';
import type { VerifiedEvidence } from './evidence.ts';

/** An image resolved to one digest for this node, with what the policies ask about it. No layer is needed for it. */
export interface ResolvedImage {
  /** As the manifest has it. */
  readonly reference: string;
  readonly facts: ImageFacts;
  /** Who vouches for it, of those that the agent's configuration and the policies asked by name; verified just now. */
  readonly evidence: VerifiedEvidence;
  readonly config: ImageConfig;
  /** Sum of the compressed layers, bytes. */
  readonly size: number;
}

/** The run-time part of an OCI image config. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `KEY=value`. */
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly stopSignal: string;
}

/** An image the store knows, by its digest. */
export interface StoredImage {
  readonly digest: string;
  readonly references: readonly string[];
  /** Compressed bytes. */
  readonly size: number;
  /** Whether every layer is unpacked. */
  readonly isPresent: boolean;
  /** Whether a person asked for it to be kept. */
  readonly isPinned: boolean;
  /** When the newest of its references was resolved, milliseconds since the epoch. */
  readonly resolvedAt: number;
}

/** How an answer has to be. */
export interface ImageDemand {
  /** The registry is asked again once for each value of this, such as a commit: `imagePullPolicy: Always`. */
  readonly onceFor?: string;
  /** ImagePolicies that hold on this node: what their authorities signed is verified for the answer. */
  readonly policies?: readonly ImagePolicy[];
}

/** Images: resolved and verified from a registry, kept by digest on disk. */
export interface ImageSource {
  /**
   * Resolves a reference (a tag once; the answer is kept on disk and used until `forget` or an `onceFor` not met yet),
   * fetches manifest, config and signatures by digest, and verifies the signatures each time. Works offline for what was
   * resolved before.
   * @throws ImageError
   */
  resolve(reference: string, demand?: ImageDemand): Promise<ResolvedImage>;
  /**
   * The registry is asked for nothing but signatures that were never looked for, and may be out of reach.
   * @returns what a reference led to before, though its tag may have moved on. Null when that is not kept.
   */
  recall(reference: string, digest: string, demand?: Pick<ImageDemand, 'policies'>): Promise<ResolvedImage | null>;
  /** Makes a digest resolved before complete on disk: every layer fetched, checked and unpacked. Idempotent. @throws ImageError */
  pull(digest: string): Promise<void>;
  /** @returns whether every layer of it is unpacked and ready to run, offline. */
  isPresent(digest: string): Promise<boolean>;
  /** Unpacked layer directories in overlayfs form, uppermost first. @throws ImageError `not-present` */
  layers(digest: string): Promise<readonly string[]>;
}

/** Closed: `unreachable`, `interrupted` and `outside-window` pass by themselves, the others may need a person. */
export type ImageErrorCode =
  | 'bad-reference'
  | 'unreachable'
  | 'unauthorized'
  | 'not-found'
  | 'no-platform'
  | 'interrupted'
  | 'digest-mismatch'
  | 'size-mismatch'
  | 'bad-manifest'
  | 'bad-layer'
  | 'too-large'
  | 'no-space'
  | 'in-use'
  | 'outside-window'
  | 'not-present'
  | 'store';

/** A refused or failed image operation; the message names the reference, and the layer and entry where one is at fault. */
export class ImageError extends Error {
  readonly code: ImageErrorCode;
  readonly reference: string;

  constructor(code: ImageErrorCode, reference: string, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'ImageError';
    this.code = code;
    this.reference = reference;
  }
}
