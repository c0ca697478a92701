import type { WrittenConfigMap, WrittenSecret } from '../kinds/keyed-data.ts';
import type { Metadata } from '../kinds/metadata.ts';
import { RECLAIM_ANNOTATION, type WrittenVolumeClaim } from '../kinds/volume-claim.ts';
import type { ConfigMap, PersistentVolumeClaim, ResourceMetadata, Secret } from '../resource.ts';

const DEFAULT_NAMESPACE = 'default';

/** @returns what a ConfigMap means. */
export function lowerConfigMap({ metadata, values, immutable = false }: WrittenConfigMap): ConfigMap {
  return { kind: 'ConfigMap', ...lowerMetadata(metadata), values, isImmutable: immutable };
}

/** @returns what a Secret means. */
export function lowerSecret({ metadata, values, type = 'Opaque', immutable = false }: WrittenSecret): Secret {
  return { kind: 'Secret', ...lowerMetadata(metadata), type, values, isImmutable: immutable };
}

/** @returns what a PersistentVolumeClaim means. Its data is kept unless the claim itself says otherwise. */
export function lowerVolumeClaim({ metadata, spec }: WrittenVolumeClaim): PersistentVolumeClaim {
  return {
    kind: 'PersistentVolumeClaim',
    ...lowerMetadata(metadata),
    isForOnePod: spec.accessModes.includes('ReadWriteOncePod'),
    storageBytes: spec.resources.requests.storage,
    reclaimPolicy: metadata.annotations?.[RECLAIM_ANNOTATION] === 'Delete' ? 'Delete' : 'Retain',
  };
}

/** Fills the defaults of metadata, those of a workload too. */
export function lowerMetadata(metadata: Metadata): ResourceMetadata {
  return {
    namespace: metadata.namespace ?? DEFAULT_NAMESPACE,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  };
}
