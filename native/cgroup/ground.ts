import type { Limits } from '../limits.ts';
import type { Base } from './base.ts';
import type { LimitControl } from './controls/control.ts';
import type { LimitCounts } from './limit-counts.ts';
import type { GroupUsage } from './usage.ts';

/** What a cgroup version brings: where its groups are, and how limits are written there. Directories are absolute and end in our root. */
export interface CgroupGround {
  readonly version: 1 | 2;
  /** Every v1 hierarchy by its controller; several may be the same one. */
  readonly v1: ReadonlyMap<string, Base>;
  /** Hierarchies a process enters. */
  readonly entered: readonly Base[];
  /** Hierarchies a process enters when its group asked for one of their limits. */
  readonly enteredOnDemand: readonly Base[];
  /** Hierarchies we look through for groups and processes: those entered, and others where somebody may have put some. */
  readonly swept: readonly Base[];
  /** The hierarchy with `pids.max`. */
  readonly pids: Base;
  /** The v2 tree, if there is one. */
  readonly unified: Base | null;
  /** The v1 freezer, if there is one. */
  readonly freezer: Base | null;
  /** The limits beyond those every group has. */
  readonly controls: readonly LimitControl[];
  /** Readies a group's directory for children; called for each directory on the way, outermost first. */
  prepareParent(directory: string): Promise<void>;
  /** Readies a directory just made in one hierarchy for processes. */
  prepareGroup(base: Base, directory: string): Promise<void>;
  /** Memory with its swap, CPU and processes. */
  writeLimits(group: string, limits: Limits): Promise<void>;
  /** The same; swap only where it was asked for. */
  readLimits(group: string, asked: Limits): Promise<Limits | null>;
  countOomKills(group: string): Promise<number>;
  readLimitCounts(group: string): Promise<LimitCounts | null>;
  readUsage(group: string): Promise<GroupUsage | null>;
}
