import type { ImageFacts } from '../../policies/index.ts';
import type { StoredImage } from './image-source.ts';
import type { PullProgress } from './progress.ts';
import type { LayerVerdict } from './verify/verify-layer.ts';

/** One image with all that is known of it. */
export interface ImageDetails extends StoredImage {
  /** What its references named: an index or the manifest itself. */
  readonly topDigest: string;
  readonly platform: string;
  readonly user: string;
  readonly signedBy: readonly string[];
  /** What policies are told of it, with the keys of the agent's configuration; those of a commit come with the commit. */
  readonly facts: ImageFacts;
  /** Whether a workload runs from it, or may have to: the wanted version, the last good one, the one before. */
  readonly isInUse: boolean;
  /** Lowest first. */
  readonly layers: readonly {
    readonly digest: string;
    readonly diffId: string;
    /** Compressed bytes. */
    readonly size: number;
    readonly isPresent: boolean;
  }[];
}

/** What a verification says of one layer. */
export interface LayerFinding {
  readonly diffId: string;
  /** Images that are made of it. */
  readonly images: readonly string[];
  readonly verdict: LayerVerdict;
  /** Whether it was set aside and pulled again; false when that was not asked for or did not work yet. */
  readonly isRepaired: boolean;
  /** Why it could not be repaired; null when it could, or nobody asked. */
  readonly failure: string | null;
}

/** What people do with the store: `holdfast image`. */
export interface ImageAdmin {
  /** Sorted by digest. */
  list(): Promise<readonly StoredImage[]>;
  /** @param name a reference, or a digest or its beginning. @throws ImageError `not-present`, `bad-reference` */
  inspect(name: string): Promise<ImageDetails>;
  /**
   * Resolves a reference anew, makes it complete and pins it.
   * @param from a layout to take it from instead of the registry: `oci:/path[:tag]` or `oci-archive:/path[:tag]`.
   * @throws ImageError
   */
  fetch(reference: string, from: string | null): Promise<StoredImage>;
  /** Removes an image that nothing uses, pinned or not. @throws ImageError `in-use`, `not-present` */
  discard(name: string): Promise<void>;
  /** Holds every layer of an image, or of all, to its inventory. @param name null for all. @throws ImageError */
  verify(name: string | null, repair: 'repair' | 'report'): Promise<readonly LayerFinding[]>;
  /** Removes every image that nothing uses and nobody pinned. @returns what was, or would be, removed. @throws ImageError */
  prune(mode: 'remove' | 'show'): Promise<readonly StoredImage[]>;
  /** Pulls that are under way. */
  pulls(): readonly PullProgress[];
  /** @returns bytes of layers that came over the network since the start. */
  fetchedBytes(): number;
}

/** Which images are needed. */
export interface ImageUse {
  /** Digests of what must stay: what runs, what is wanted, the last good version of a workload and the one before. */
  readonly kept: ReadonlySet<string>;
  /** By digest, when the oldest container that runs from it was started, milliseconds since the epoch. */
  readonly running: ReadonlyMap<string, number>;
}

/** @returns which images are needed, or null while that is not known: then nothing is removed. */
export type ImagesInUse = () => Promise<ImageUse | null>;
