import type { ImageTrust } from './image-policy.ts';
import type { KeyedValues } from './values/keyed-values.ts';
import type { LabelSelector } from './values/label-selector.ts';
import type { StringMap } from './workload.ts';

/**
 * What a fleet declares besides workloads, and workloads refer to by name. A node takes of these what its own workloads
 * refer to.
 */
export type Resource = ConfigMap | Secret | PersistentVolumeClaim | Network | Service | NetworkPolicy | ImagePolicy;

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

/**
 * `v1 Service`, of one node: a name that leads to its ready pods on this node, through a stable address of its own that
 * connections are shared out from, or, when headless, to their own addresses.
 */
export interface Service extends ResourceMetadata {
  readonly kind: 'Service';
  /** Labels of its pods. */
  readonly selector: StringMap;
  readonly isHeadless: boolean;
  /** Pods count from the moment they are there. */
  readonly hasUnreadyPods: boolean;
  readonly ports: readonly ServicePort[];
}

export interface ServicePort {
  readonly name: string | null;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** A number, or the name of a port of the pod's containers. */
  readonly targetPort: number | string;
}

/** `networking.k8s.io/v1 NetworkPolicy`: the pods it selects take part only in what a policy of theirs allows. */
export interface NetworkPolicy extends ResourceMetadata {
  readonly kind: 'NetworkPolicy';
  readonly podSelector: LabelSelector;
  /** Null when it says nothing of that direction; an empty list allows nothing. */
  readonly ingress: readonly PolicyRule[] | null;
  readonly egress: readonly PolicyRule[] | null;
}

export interface PolicyRule {
  /** Null is everybody. */
  readonly peers: readonly PolicyPeer[] | null;
  /** Null is every port of every protocol. */
  readonly ports: readonly PolicyPort[] | null;
}

export type PolicyPeer =
  | {
      readonly type: 'pods';
      readonly podSelector: LabelSelector;
      /** Null is the policy's own namespace. */
      readonly namespaceSelector: LabelSelector | null;
    }
  | { readonly type: 'block'; readonly cidr: string; readonly except: readonly string[] };

export interface PolicyPort {
  readonly protocol: 'TCP' | 'UDP';
  /** A number, the name of a port of the pod that is connected to, or null for every port. */
  readonly port: number | string | null;
  /** The last one of a range that begins with `port`. */
  readonly endPort: number | null;
}

/**
 * `holdfast.dev/v1alpha1 ImagePolicy`: who must vouch for the images of some repositories. It holds for the whole fleet, in
 * every namespace, on the nodes it selects.
 */
export interface ImagePolicy extends ResourceMetadata, ImageTrust {
  readonly kind: 'ImagePolicy';
}

/** @returns what names a resource in its revision, `Kind namespace/name`. */
export function resourceKey({ kind, namespace, name }: Pick<Resource, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`;
}
