import type { Problem, SourcePosition } from './origin.ts';
import type { WorkloadKey } from './workload.ts';

/** What an agent reports about its node: plain JSON, written whole each time. Times in `…At` are milliseconds since the epoch. */
export interface NodeStatus {
  readonly node: string;
  /** Version of the agent. */
  readonly version: string;
  /** The accepted revision the node converges to; null before the first. */
  readonly revision: RevisionStatus | null;
  /** The newest commit seen and not accepted, until one is; null when there is none. */
  readonly refused: RefusedRevision | null;
  /** One of each type at most, sorted by type. */
  readonly conditions: readonly Condition[];
  /** Sorted by key. */
  readonly workloads: readonly WorkloadStatus[];
  /** Sorted by namespace and name; absent where an older agent wrote the status, and before the first revision. */
  readonly volumes?: readonly VolumeStatus[];
  /** Why the file system holds no volume to its size; null where it does, absent as `volumes` is. */
  readonly volumeObstacle?: string | null;
}

/**
 * A volume claim that has data on the node. `Declared`: Git has it; `Retained`: Git has it no more, and the data stays until
 * a person removes it; `Removing`: it goes as soon as nothing needs it.
 */
export interface VolumeStatus {
  readonly namespace: string;
  readonly name: string;
  /** What the claim asks for; 0 when its record cannot be read. */
  readonly storageBytes: number;
  readonly state: 'Declared' | 'Retained' | 'Removing';
  /** Whether the file system holds it to `storageBytes`. */
  readonly isBounded: boolean;
}

/** A commit whose signature verified. */
export interface RevisionStatus {
  readonly commit: string;
  /** Principal of the allowed-signers file, or GPG fingerprint. */
  readonly signer: string;
  readonly committedAt: number;
}

/** A commit that was not accepted, and why. */
export interface RefusedRevision {
  readonly commit: string;
  /** Closed by the part that refused it, such as `unsigned` or `invalid-manifests`. */
  readonly code: string;
  readonly message: string;
  /** Problems of its manifests; empty when it was refused for another reason. */
  readonly problems: readonly Problem[];
}

/**
 * What a node says about itself in one word.
 * `Ready`: every workload is; `Synced`: the node runs what the accepted revision says; `Stalled`: a person is needed;
 * `PolicyCompliant`: nothing that runs is denied; `SourceReachable`: the last fetch worked; `Degraded`: the agent works with less than it should have.
 */
export type ConditionType = 'Ready' | 'Synced' | 'Stalled' | 'PolicyCompliant' | 'SourceReachable' | 'Degraded';

/** Kubernetes meta/v1 Condition, without `observedGeneration`. */
export interface Condition {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One CamelCase word for programs. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  /** When `status` last changed; ISO 8601, UTC. */
  readonly lastTransitionTime: string;
}

/**
 * Where a workload is on its way. `Ready`: as wanted; `Progressing`: on the way; `Blocked`: not allowed to go on (policy);
 * `Failed`: tried and failing.
 */
export type WorkloadState = 'Ready' | 'Progressing' | 'Blocked' | 'Failed';

export interface WorkloadStatus {
  readonly key: WorkloadKey;
  readonly kind: 'Pod' | 'Deployment';
  /** Pods wanted on this node. */
  readonly desired: number;
  /** Pods of the wanted identity whose containers all run. */
  readonly ready: number;
  readonly state: WorkloadState;
  /** One CamelCase word for programs. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  /** What the policies say about it, warnings too. */
  readonly findings: readonly FindingStatus[];
  readonly pods: readonly PodStatus[];
}

/** A policy finding, as reported. */
export interface FindingStatus extends SourcePosition {
  readonly policy: string;
  readonly rule: string;
  readonly severity: 'deny' | 'warn';
  readonly message: string;
  /** Full field path in the manifest. */
  readonly path: string;
}

export interface PodStatus {
  readonly id: string;
  /** `podIdentity` it was made from: `sha256:…`. */
  readonly identity: string;
  /** Kubernetes PodPhase. */
  readonly state: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** On the networks of this node; absent where an older agent wrote the status. */
  readonly addresses?: readonly string[];
  /** Ports of the node that lead to it, as `192.0.2.1:80->8080/tcp`; `*` is every address. */
  readonly ports?: readonly string[];
  readonly containers: readonly ContainerStatus[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  /** Kubernetes ContainerState. */
  readonly state: 'Waiting' | 'Running' | 'Terminated';
  /** As the node sees it; null when it does not run. */
  readonly pid: number | null;
  /** Times it was started again since its pod was made. */
  readonly restarts: number;
  /** Null when it was never started. */
  readonly startedAt: number | null;
  /** How it last ended; null while it has not. */
  readonly exit: ExitStatus | null;
  /** Settings the node's kernel refused in full (`rlimits`, `oomScoreAdj`); absent where an older agent wrote the status. */
  readonly clamped?: readonly string[];
}

/** How a container ended, as the backend recorded it. */
export interface ExitStatus {
  /** Null when a signal ended it, or nobody saw it end (`lost`). */
  readonly code: number | null;
  readonly signal: string | null;
  readonly oomKilled: boolean;
  readonly lost: boolean;
  readonly finishedAt: number;
}
