/** What a pod's containers share or are given as files. */
export type Volume = EmptyDirVolume | HostPathVolume | ClaimVolume | ProjectedVolume;

/** Made with the pod, and gone with it. */
export interface EmptyDirVolume {
  readonly name: string;
  readonly type: 'emptyDir';
  /** `Memory` is a tmpfs, which counts as memory of the container that writes to it. */
  readonly medium: 'Disk' | 'Memory';
  /** Null bounds nothing on a disk; in memory it is half of the node's, as the kernel has it. */
  readonly sizeLimitBytes: number | null;
}

/** The node's own. The node refuses a path that leads through a symbolic link. */
export interface HostPathVolume {
  readonly name: string;
  readonly type: 'hostPath';
  readonly path: string;
  readonly hostPathType: HostPathType;
}

/** Kubernetes HostPathVolumeSource.type; the empty string makes no check. */
export type HostPathType = '' | 'Directory' | 'DirectoryOrCreate' | 'File' | 'FileOrCreate' | 'Socket';

/** The directory of a PersistentVolumeClaim of the pod's namespace. */
export interface ClaimVolume {
  readonly name: string;
  readonly type: 'persistentVolumeClaim';
  readonly claimName: string;
  readonly readOnly: boolean;
}

/** Files written by the agent, on a tmpfs; a `configMap`, `secret` or `downwardAPI` volume is one with a single source. */
export interface ProjectedVolume {
  readonly name: string;
  readonly type: 'projected';
  /** Permission bits of files that have none of their own. */
  readonly defaultMode: number;
  /** Where two say the same path, the later one wins. */
  readonly sources: readonly ProjectedSource[];
}

export type ProjectedSource = KeyedSource | PodSource;

/** Values of a ConfigMap or Secret as files. */
export interface KeyedSource {
  readonly type: 'configMap' | 'secret';
  readonly name: string;
  /** Null takes every key as a file of its name. */
  readonly items: readonly KeyFile[] | null;
  /** True makes do without the object, or without one of the keys. */
  readonly isOptional: boolean;
}

export interface KeyFile {
  readonly key: string;
  /** Relative, without `..`. */
  readonly path: string;
  readonly mode: number | null;
}

/** What the pod knows of itself as files. */
export interface PodSource {
  readonly type: 'downwardAPI';
  readonly items: readonly { readonly path: string; readonly mode: number | null; readonly field: PodField }[];
}

/** Something a pod is told of itself. */
export type PodField =
  /** `metadata.name`, `.namespace`, `.uid`, `.labels['key']`, `.annotations['key']` or `spec.nodeName`; in files also all labels or annotations. */
  | { readonly type: 'field'; readonly fieldPath: string }
  /** A limit or request of one of its containers, in units of `divisor` (thousandths of a CPU, or bytes), rounded up. */
  | {
      readonly type: 'resource';
      readonly container: string;
      readonly resource: ResourceField;
      readonly divisor: number;
    };

export type ResourceField = 'limits.cpu' | 'limits.memory' | 'requests.cpu' | 'requests.memory';

/** A container's use of a volume. */
export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  /** Of what is mounted below it, too. */
  readonly readOnly: boolean;
  /** Relative path below the volume's root, without `..`; null mounts all of it. */
  readonly subPath: string | null;
  /** The same with `$(VAR)` references that only the start of the container can resolve. */
  readonly subPathExpr: string | null;
  /** Whether mounts made later pass to the container, or both ways; null for neither. */
  readonly propagation: 'HostToContainer' | 'Bidirectional' | null;
}
