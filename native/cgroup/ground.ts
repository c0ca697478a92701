import type { Limits } from '../backend.ts';
import type { GroupUsage } from './usage.ts';

/** What a cgroup version brings: where its groups are, and how limits are written there. Directories are absolute and end in our root. */
export interface CgroupGround {
  /** Hierarchies a process enters. */
  readonly entered: readonly Base[];
  /** Hierarchies we look through for groups and processes: those entered, and others where somebody may have put some. */
  readonly swept: readonly Base[];
  /** The hierarchy with `pids.max`. */
  readonly pids: Base;
  /** The v2 tree, if there is one. */
  readonly unified: Base | null;
  /** The v1 freezer, if there is one. */
  readonly freezer: Base | null;
  /** Readies a group's directory for children; called for each directory on the way, outermost first. */
  prepareParent(directory: string): Promise<void>;
  /** Readies a directory just made for processes. */
  prepareGroup(directory: string): Promise<void>;
  writeLimits(group: string, limits: Limits): Promise<void>;
  readLimits(group: string): Promise<Limits | null>;
  countOomKills(group: string): Promise<number>;
  readUsage(group: string): Promise<GroupUsage | null>;
}

/** One mounted hierarchy and our root in it. */
export interface Base {
  /** Mount point. */
  readonly mount: string;
  /** Mount point plus our root. */
  readonly directory: string;
}

/** Where the v1 controllers are. Several may be the same hierarchy. */
export interface V1Bases {
  readonly memory: Base;
  readonly cpu: Base;
  readonly pids: Base;
  /** Entered only where there is no v2 tree, which freezes better: what it froze can be killed. */
  readonly freezer: Base | null;
  /** Entered only where there is no v2 tree, which counts as well. */
  readonly cpuAccounting: Base | null;
  readonly io: Base | null;
  /** The v2 tree beside them (hybrid). */
  readonly unified: Base | null;
}
