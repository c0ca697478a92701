import type { PodTemplate, StringMap } from '../manifests/index.ts';
import type { ImageFacts } from './image-facts.ts';

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
  /** One entry for each distinct image reference in the pod, as the manifest has it. */
  readonly images: Readonly<Record<string, ImageFacts>>;
  /** The node's clock, nanoseconds since 1970, at the beginning of the hour: the same question has the same answer for so long. */
  readonly now: number;
  readonly node: { readonly name: string; readonly labels: StringMap };
}
