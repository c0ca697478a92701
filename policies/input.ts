import type { PodTemplate, StringMap } from '../manifests/index.ts';

/** The document Rego sees as `input`. Versioned: a pack that reads another version must not silently pass. */
export interface PolicyInput {
  readonly version: 'holdfast.dev/v1alpha1';
  readonly workload: {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly labels: StringMap;
    readonly annotations: StringMap;
  };
  /** What will run: the IR with every default filled and pod-level security merged into each container. */
  readonly pod: PodTemplate;
  /** One entry for each distinct image reference in the pod. */
  readonly images: Readonly<Record<string, ImageFacts>>;
  readonly node: { readonly name: string; readonly labels: StringMap };
}

/** What is known of an image before a byte of its layers is pulled. */
export interface ImageFacts {
  /** Manifest digest for this node's platform, `sha256:…`. */
  readonly digest: string;
  /** Digest the reference itself names (a pin); null when only a tag does. */
  readonly pinnedDigest: string | null;
  /** User of the image config, as written there; empty means root. */
  readonly user: string;
  readonly labels: StringMap;
  /** Names of the trusted keys whose signature over the pinned or resolved digest verified. */
  readonly signedBy: readonly string[];
}
