/** One mounted hierarchy and our root in it. */
export interface Base {
  /** Mount point. */
  readonly mount: string;
  /** Mount point plus our root. */
  readonly directory: string;
}

/** Where the v1 controllers are. Several may be the same hierarchy. */
export interface V1Bases {
  /** Every one that is mounted, by its controller. */
  readonly all: ReadonlyMap<string, Base>;
  readonly memory: Base;
  readonly cpu: Base;
  readonly pids: Base;
  /** Entered only where there is no v2 tree, which freezes better: what it froze can be killed. */
  readonly freezer: Base | null;
  /** Entered only where there is no v2 tree, which counts as well. */
  readonly cpuAccounting: Base | null;
  readonly io: Base | null;
  /** Entered on demand. */
  readonly cpuset: Base | null;
  /** Entered on demand. */
  readonly hugepages: Base | null;
  /** The v2 tree beside them (hybrid). */
  readonly unified: Base | null;
  /** Whether the v2 tree has the controller of huge pages when the others are on v1. */
  readonly hasUnifiedHugepages: boolean;
}
