import type { ProcessId } from '../../process/process-id.ts';

/** What the shim is told to create for an OCI runtime (native/src/shim/bundle/bundle.h). Everything in it is decided. */
export interface BundleLaunch {
  /** cgroup.procs files through which the container enters its groups. */
  readonly groupFiles: readonly string[];
  readonly rootDir: string;
  /** MS_* of mount(2); 0 leaves it private. */
  readonly rootPropagation: number;
  readonly isRootReadonly: boolean;
  /** Device nodes of the root file system have no effect. */
  readonly hasInertDevices: boolean;
  readonly hasOwnDev: boolean;
  readonly hostname: string;
  readonly domainname: string;
  readonly namespaces: readonly BundleNamespace[];
  /** In the form of /proc/<pid>/uid_map; empty without a new user namespace. */
  readonly uidMap: string;
  readonly gidMap: string;
  /** In the form of /proc/<pid>/timens_offsets; empty for none. */
  readonly timeOffsets: string;
  /** Path below /proc/sys, value. */
  readonly sysctls: readonly (readonly [path: string, value: string])[];
  readonly mounts: readonly BundleLaunchMount[];
  readonly devices: readonly BundleDevice[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly process: BundleLaunchProcess;
  /** Without a process of its own it is never started. */
  readonly isNeverStarted: boolean;
  readonly ending: Ending;
  /** Descriptors that the program gets from 3 on. */
  readonly preservedCount: number;
  /** Where the start socket is made. */
  readonly stateDir: string;
  readonly terminal: BundleTerminal;
}

/** Where the other side of a terminal goes: to a socket, or over the shim's own standard streams. */
export type BundleTerminal = { readonly kind: 'none' | 'relayed' } | { readonly kind: 'sent'; readonly socket: string };

export interface BundleNamespace {
  /** CLONE_NEW* of clone(2). */
  readonly kind: number;
  /** Null makes a new one. */
  readonly path: string | null;
}

export interface BundleLaunchMount {
  readonly kind: 'bind' | 'fs';
  readonly hasMountsBelow: boolean;
  readonly mayCoverProc: boolean;
  /** MOUNT_ATTR_* of mount_setattr(2). */
  readonly set: bigint;
  readonly clear: bigint;
  /** The same for the mounts below too. */
  readonly setBelow: bigint;
  readonly clearBelow: bigint;
  /** Shows ids shifted by these maps, or where they are empty by those of the container's users; null shows them as they are. */
  readonly idmap: { readonly uidMap: string; readonly gidMap: string } | null;
  readonly isIdmapBelow: boolean;
  /** Begins with what lies at its destination. */
  readonly isCopiedUp: boolean;
  /** MS_* of mount(2); 0 is private. */
  readonly propagation: number;
  readonly source: string;
  readonly destination: string;
  readonly type: string;
  /** Options of the file system; one with an empty value is a flag. */
  readonly parameters: readonly (readonly [key: string, value: string])[];
}

export interface BundleDevice {
  readonly path: string;
  /** With the type bits of stat(2). */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
}

export interface BundleLaunchProcess {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly umask: number;
    readonly additionalGids: readonly number[];
  };
  /** Bit n is capability number n. */
  readonly capabilities: Readonly<Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', bigint>>;
  readonly hasNoNewPrivileges: boolean;
  /** Null leaves the score of whoever runs the runtime. */
  readonly oomScoreAdj: number | null;
  readonly rlimits: readonly { readonly resource: number; readonly soft: bigint; readonly hard: bigint }[];
  /** Raw BPF; empty runs unconfined. */
  readonly seccompFilter: Uint8Array;
  /** Null leaves it to the kernel. */
  readonly apparmorProfile: string | null;
  readonly selinuxLabel: string | null;
  /** PER_* of personality(2); null leaves that of the runtime. */
  readonly personality: number | null;
  readonly terminalSize: { readonly rows: number; readonly columns: number };
  readonly schedule: BundleSchedule;
}

/** In the numbers of sched_setattr(2), ioprio_set(2) and sched_setaffinity(2). */
export interface BundleSchedule {
  /** Null leaves that of the runtime. */
  readonly scheduler: {
    readonly policy: number;
    readonly flags: bigint;
    readonly nice: number;
    readonly priority: number;
    readonly runtime: bigint;
    readonly deadline: bigint;
    readonly period: bigint;
  } | null;
  readonly ioPriority: number | null;
  /** CPUs before it enters the container's groups, and from then on; empty leaves them. */
  readonly firstCpus: Uint8Array;
  readonly cpus: Uint8Array;
}

/** One more process to run in a container. */
export interface BundleExecLaunch {
  readonly container: ProcessId;
  readonly groupFiles: readonly string[];
  readonly process: BundleLaunchProcess;
  readonly ending: Ending;
  readonly preservedCount: number;
  readonly terminal: BundleTerminal;
}

/** `awaited` keeps the shim until the process ends, and ends it with the same status; `left` leaves it to whoever adopts it. */
export type Ending = 'awaited' | 'left';

/** A program to run among the namespaces of a container. */
export interface VisitLaunch {
  readonly container: ProcessId;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
}
