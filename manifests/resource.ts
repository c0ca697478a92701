import type { KeyedValues } from './values/keyed-values.ts';
import type { StringMap } from './workload.ts';

/**
 * What a fleet declares besides workloads, and workloads refer to by name. A node takes of these what its own workloads
 * refer to.
 */
export type Resource = ConfigMap | Secret | PersistentVolumeClaim | Network;

/** What every resource has. */
export interface ResourceMetadata {
  readonly namespace: string;
  readonly name: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
}

/** `v1 ConfigMap`: texts and bytes by key. */
export interface ConfigMap extends ResourceMetadata {
  readonly kind: 'ConfigMap';
  readonly values: KeyedValues;
  /** True when no later commit may change its values. */
  readonly isImmutable: boolean;
}

/** `v1 Secret`: as a ConfigMap, but its values are never written to a disk, a log, a plan or a status. */
export interface Secret extends ResourceMetadata {
  readonly kind: 'Secret';
  readonly type: string;
  readonly values: KeyedValues;
  readonly isImmutable: boolean;
}

/** `v1 PersistentVolumeClaim`: a directory of the node that outlives the pods that use it. */
export interface PersistentVolumeClaim extends ResourceMetadata {
  readonly kind: 'PersistentVolumeClaim';
  /** Only one pod at a time may use it (`ReadWriteOncePod`). */
  readonly isForOnePod: boolean;
  readonly storageBytes: number;
  /** What becomes of the data when no commit declares the claim any more. */
  readonly reclaimPolicy: 'Retain' | 'Delete';
}

/**
 * `holdfast.dev/v1alpha1 Network`: a network that pods of its namespace may choose. The one named `default` is that of
 * pods that choose none.
 */
export interface Network extends ResourceMetadata {
  readonly kind: 'Network';
  /** Such as `10.1.0.0/24`; null has the node choose from its pools. */
  readonly subnet4: string | null;
  /** Such as `fd42:1:2:3::/64`; null has the node choose, or do without. */
  readonly subnet6: string | null;
  /** Whether its pods reach anything but each other. */
  readonly isOutbound: boolean;
}

/** @returns what names a resource in its revision, `Kind namespace/name`. */
export function resourceKey({ kind, namespace, name }: Pick<Resource, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`;
}
