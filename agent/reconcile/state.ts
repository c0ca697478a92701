import type { Origin, Workload, WorkloadKey } from '../../manifests/index.ts';
import type {
  Limits,
  NetworkAddress,
  NetworkDifference,
  ObservedContainer,
  ObservedNetwork,
  PortMap,
  TrafficDirection,
  TrafficRules,
} from '../../native/index.ts';
import type { Verdict } from '../../policies/index.ts';
import type { ImageConfig } from '../images/image-source.ts';
import type { AttemptHistory, Failure } from './failure.ts';
import type { Networking } from './networks/networking.ts';

/** One workload at one commit with its images resolved: all that is needed to run it, offline too. Plain JSON. */
export interface Version {
  readonly workload: Workload;
  readonly origin: Origin;
  /** Commit it came from. */
  readonly revision: string;
  /** Digest over what needs a new process when it changes; part of every pod's id. */
  readonly identity: string;
  /** Digest of the whole workload: also changes with what is changed in place. */
  readonly digest: string;
  readonly images: Readonly<Record<string, PinnedImage>>;
  readonly inputs: Inputs;
}

/**
 * What a version takes from ConfigMaps and Secrets, by digests that say nothing to who lacks the node's key: a plain
 * digest would let weak secrets be guessed from what is written down of a version.
 */
export interface Inputs {
  /** Of the variables of each container that takes any, by its name: a change needs a new process. */
  readonly env: Readonly<Record<string, string>>;
  /** Of the files of all volumes, null without any: a change is made in place. */
  readonly files: string | null;
}

/** The image behind one reference of the pod. */
export interface PinnedImage {
  readonly digest: string;
  readonly config: ImageConfig;
}

/** What Git wants of one workload, as far as it is known. */
export type Wanted =
  | { readonly state: 'preparing' }
  | { readonly state: 'unresolved'; readonly failure: Failure; readonly retryAt: number }
  | { readonly state: 'judged'; readonly version: Version; readonly verdict: Verdict };

/** A version that ran well before, and whether the policies of today allow it. */
export interface LastGood {
  readonly version: Version;
  readonly verdict: Verdict;
}

export interface DesiredWorkload {
  readonly key: WorkloadKey;
  /** As Git has it, be it resolved and judged or not. */
  readonly workload: Workload;
  readonly wanted: Wanted;
  /** The newest version that became available on this node; runs on while a newer one cannot. */
  readonly lastGood: LastGood | null;
  /** Identities this agent wanted before: their pods are on their way out, which is work and no surprise. */
  readonly former: readonly string[];
}

export interface DesiredState {
  /** Commit id. */
  readonly revision: string;
  readonly workloads: readonly DesiredWorkload[];
  /** Absent where nothing is said of networks: then pods have their loopback only. */
  readonly networking?: Networking;
  /** Volume claims of the whole fleet; none unless given. */
  readonly claims?: readonly ClaimRecord[];
}

/** A directory of the node that outlives pods. */
export interface ClaimRecord {
  readonly namespace: string;
  readonly name: string;
  readonly storageBytes: number;
  readonly isForOnePod: boolean;
  /** What becomes of the data when Git does not declare it any more. */
  readonly reclaimPolicy: 'Retain' | 'Delete';
}

/** A claim that has a directory. */
export interface ObservedClaim extends ClaimRecord {
  /** The file system could hold it to its size and does not yet; false unless given. */
  readonly isLoose?: boolean;
}

/** One pod as the kernel has it. */
export interface ObservedPod {
  readonly id: string;
  readonly key: WorkloadKey;
  readonly replica: number;
  readonly identity: string;
  readonly state: 'ready' | 'dead';
  /** Time its processes get to end by themselves, as it was when the pod was made. */
  readonly graceMs: number;
  /** Where it is on its networks; empty unless it is on one. */
  readonly addresses?: readonly NetworkAddress[];
  /** Ports of the node that lead to it. */
  readonly ports?: readonly PortMap[];
  /** Directions it is guarded in now. */
  readonly guards?: readonly TrafficDirection[];
  /** In what its cards are not as they were made; absent when they are. */
  readonly differences?: readonly NetworkDifference[];
  readonly containers: readonly PodContainer[];
  /** Names of containers that a person attached and that have ended; absent when there are none. */
  readonly endedDebug?: readonly string[];
  /** Volumes whose files are not as its version has them; absent where nobody looked. */
  readonly staleFiles?: readonly StaleFiles[];
  /** Volumes above their limit; absent where nobody looked. */
  readonly overLimits?: readonly OverLimit[];
}

/** A volume that takes more of the disk than its `sizeLimit`. */
export interface OverLimit {
  readonly volume: string;
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** `outdated`: written for another commit; `missing`: not written yet; `tampered`: not as this agent wrote them. */
export interface StaleFiles {
  readonly volume: string;
  readonly state: 'outdated' | 'missing' | 'tampered';
}

export interface PodContainer {
  readonly name: string;
  readonly state: ObservedContainer['state'];
  readonly pid: number | null;
  readonly startedAt: number;
  readonly exit: ObservedContainer['exit'];
  /** The `Localhost` seccomp profile it was started with, and the digest its file has now (null: unreadable); or null. */
  readonly seccomp: { readonly path: string; readonly started: string; readonly now: string | null } | null;
  /** Settings the node's kernel refused in full. */
  readonly clamped: ObservedContainer['clamped'];
  /** Limits last asked for, as the manifest had them then. */
  readonly applied: Limits;
  /** What the kernel makes of `applied` (page-rounded memory and the like): equal to `kernel` unless somebody else changed it. */
  readonly expected: Limits;
  readonly kernel: Limits | null;
  /** Restarts since the pod was made. */
  readonly restarts: number;
  /** Restarts in a row without a long run between; drives the back-off. */
  readonly crashes: number;
}

export interface ObservedState {
  readonly networks?: readonly ObservedNetwork[];
  /** Who may talk to whom, as last applied. */
  readonly traffic?: TrafficRules;
  readonly pods: readonly ObservedPod[];
  /** Sandboxes of our tree whose labels do not say which pod they are. */
  readonly unlabelled: readonly string[];
  /** Cgroups of our tree that no record speaks for. */
  readonly strangers: readonly { readonly id: string; readonly pids: readonly number[] }[];
  /** Digests of the images that are complete on disk. */
  readonly images: ReadonlySet<string>;
  /** Volume claims that have a directory on this node; none unless given. */
  readonly claims?: readonly ObservedClaim[];
  /** Why the file system holds no claim to its size; null, as when absent, where it does. */
  readonly volumeObstacle?: string | null;
}

/** Everything the planner may depend on besides the two states. */
export interface PlanContext {
  /** As in the desired state, which the planner takes it from. */
  readonly networking?: Networking;
  readonly history: AttemptHistory;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How long a new pod must run before it counts as available, even if the manifest asks for less. */
  readonly settleMs: number;
  /** What happens to a running pod that today's policies deny. It is never started again either way. */
  readonly onViolation: 'stop' | 'report';
}
