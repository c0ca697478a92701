import type { ProcessId } from '../process/process-id.ts';

/** What the shim is told to do. Everything in it is decided; the shim only carries it out (native/src/shim/spec.h). */
export type LaunchSpec = SandboxLaunch | ContainerLaunch | ExecLaunch;

interface CommonLaunch {
  /** Directory of the v2 group the shim is born in, or null to leave it in the agent's. */
  readonly birthGroup: string | null;
  /** cgroup.procs files of its own group, of which the shim enters those of v1. */
  readonly shimGroupFiles: readonly string[];
  readonly users: 'private' | 'host';
  readonly network: 'private' | 'host';
  readonly processes: 'own' | 'shared' | 'host';
  readonly ipc: 'private' | 'host';
}

export interface SandboxLaunch extends CommonLaunch {
  readonly mode: 'sandbox';
  readonly hostname: string;
  /** First id of the node that the pod's id 0 stands for. */
  readonly idBase: number;
  readonly idCount: number;
  /** Path below /proc/sys, and value. */
  readonly sysctls: readonly (readonly [path: string, value: string])[];
  readonly volumes: readonly LaunchVolume[];
}

/** A tmpfs of the pod. */
export interface LaunchVolume {
  readonly name: string;
  /** Those of tmpfs(5); an empty value is that of a parameter without one. */
  readonly parameters: readonly (readonly [key: string, value: string])[];
}

/** A process of a container: what to run, and as whom. */
interface ProcessLaunch extends CommonLaunch {
  /** cgroup.procs files through which the process enters the container's group. */
  readonly groupFiles: readonly string[];
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
  readonly capabilities: bigint;
  readonly oomScoreAdj: number;
  readonly rlimits: readonly { readonly resource: number; readonly soft: bigint; readonly hard: bigint }[];
  /** Raw BPF; empty runs unconfined. */
  readonly seccompFilter: Uint8Array;
  /** The container's user as the node sees it: owner of its pipes. */
  readonly streamOwner: { readonly uid: number; readonly gid: number };
  readonly hasNoNewPrivileges: boolean;
  /** Of the program; null leaves it to the kernel. */
  readonly apparmorProfile: string | null;
  readonly selinuxLabel: string | null;
}

/** A process to run beside the others of a running container. */
export interface ExecLaunch extends ProcessLaunch {
  readonly mode: 'exec';
  /** The container's init. */
  readonly container: ProcessId;
  /** Size of its pseudo-terminal; null gives it pipes. */
  readonly terminal: { readonly rows: number; readonly columns: number } | null;
}

export interface ContainerLaunch extends ProcessLaunch {
  readonly mode: 'container';
  readonly sandbox: ProcessId;
  /** Whose pid namespace to join when processes are shared: the pod's holder, or another container's init. */
  readonly joined: ProcessId;
  /** Uppermost first. */
  readonly layers: readonly string[];
  /** Who owns the container's root directory, as the node sees it. */
  readonly rootOwner: number;
  /** Made by the shim, with all above it that is missing. */
  readonly upperDir: string;
  readonly workDir: string;
  /** Paths of the node's device nodes that the container gets. */
  readonly devices: readonly string[];
  readonly mounts: readonly LaunchMount[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** The directory it is in is made by the shim. */
  readonly log: { readonly path: string; readonly maxBytes: number; readonly maxFiles: number };
  readonly exitPath: string;
  /** SELinux label of the file systems made for the container. */
  readonly mountLabel: string | null;
  readonly isRootReadonly: boolean;
  readonly isPrivileged: boolean;
}

/** See native/src/shim/spec.h. */
export type MountFlag =
  | 'rbind'
  | 'idmap'
  | 'strict'
  | 'directory'
  | 'file'
  | 'socket'
  | 'make-path'
  | 'rslave'
  | 'rshared';

export interface LaunchMount {
  readonly type: 'bind' | 'tmpfs' | 'volume';
  readonly source: string;
  readonly destination: string;
  /** Empty for all of the source. */
  readonly subPath: string;
  /** MOUNT_ATTR_* bits of mount_setattr(2). */
  readonly attributes: bigint;
  readonly flags: readonly MountFlag[];
  /** tmpfs parameters such as size and mode. */
  readonly parameters: readonly (readonly [key: string, value: string])[];
}
