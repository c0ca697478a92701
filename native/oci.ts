/**
 * The part of the OCI runtime-spec 1.2 `config.json` this backend executes.
 * https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md
 */
export interface OciConfig {
  readonly ociVersion: '1.2.0';
  readonly process: OciProcess;
  readonly root: { readonly readonly: boolean };
  readonly mounts: readonly OciMount[];
  readonly linux: OciLinux;
}

export interface OciProcess {
  readonly args: readonly string[];
  /** `KEY=value`. */
  readonly env: readonly string[];
  /** Absolute; made when missing. */
  readonly cwd: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly umask: number;
    readonly additionalGids: readonly number[];
  };
  /**
   * Capability names with the CAP_ prefix, for bounding, permitted and effective alike; inheritable and ambient too when
   * uid is not 0, which has no other way to keep them over execve.
   */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj: number;
  /** AppArmor profile that is loaded on the node; absent or null leaves it to the kernel. */
  readonly apparmorProfile?: string | null;
  /** SELinux label, `user:role:type:level`; absent or null leaves it to the kernel. */
  readonly selinuxLabel?: string | null;
  readonly rlimits: readonly { readonly type: string; readonly soft: number; readonly hard: number }[];
}

/** A mount of the container beyond the built-in /proc, /sys, /dev. Its source is resolved on the host before the pivot. */
export interface OciMount {
  readonly destination: string;
  /** `volume` is a bind of a volume of the sandbox. */
  readonly type: 'bind' | 'tmpfs' | 'volume';
  /** Host path for bind, name for volume; ignored for tmpfs. */
  readonly source: string;
  /**
   * `ro`, `rw`, `nosuid`, `nodev`, `noexec`; tmpfs: `size=…`, `mode=…`; bind and volume: `rbind`, `idmap` (show the host's
   * ids shifted into the pod's range), `strict` (the source leads through no symbolic link), `directory`, `file`, `socket`
   * (what the source must be), `make-path` (missing directories of `subPath` are made, as the owner of the volume's root),
   * `rslave`, `rshared` (mount propagation; none unless given).
   */
  readonly options: readonly string[];
  /** Relative path below the source of a bind or volume, which nothing leads out of; absent mounts all of it. */
  readonly subPath?: string;
}

export interface OciLinux {
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** Null runs unconfined. */
  readonly seccomp: OciSeccomp | null;
  /** Give the container the node's devices and a writable /sys, /proc/sys (Kubernetes `privileged`). */
  readonly privileged: boolean;
  /** SELinux label of the container's root and of the file systems made for it. */
  readonly mountLabel?: string | null;
}

/** OCI seccomp profile. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#seccomp */
export interface OciSeccomp {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly syscalls: readonly OciSyscallRule[];
}

export type SeccompAction =
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_TRAP';

export interface OciSyscallRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    readonly value: number | bigint;
    readonly valueTwo?: number | bigint;
    readonly op: SeccompOperator;
  }[];
}

export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ';
