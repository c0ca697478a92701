import type { ClampedSetting } from '../backend.ts';
import type { Limits } from '../limits.ts';
import type { LimitCounts } from './limit-counts.ts';
import type { RawWrite } from './raw-control.ts';
import type { GroupUsage } from './usage.ts';

/**
 * Cgroups below one root of ours, on whatever the kernel has mounted. A group is a path relative to that root
 * (`pod`, `pod/app`); the empty string is the root itself. Failures are thrown as `BackendError`.
 */
export interface CgroupDriver {
  /** Of the controllers of memory, CPU and processes. */
  readonly version: 1 | 2;
  /** Whether the kernel holds a group to the devices it is allowed; v2 has no files for that. */
  readonly holdsDevices: boolean;
  /**
   * Makes the group and its parents and sets its limits. Does nothing more than set them when it is there.
   * @returns limits this node holds only in part. @throws `unsupported` for one it cannot hold.
   */
  create(group: string, limits: Limits): Promise<readonly ClampedSetting[]>;
  /**
   * Makes a group that is to have no limits and no accounts of its own, and its parents. On v1 with the v2 tree beside it,
   * it is there in the v2 tree alone; its processes are in the group above it elsewhere.
   */
  createUnlimited(group: string): Promise<void>;
  /** Makes the directory of `birthDirectory` and those above it, and returns it. */
  createBirthDirectory(group: string): Promise<string | null>;
  /** Whether any hierarchy has the group. */
  exists(group: string): boolean;
  /** Directory of the group in the v2 tree, in which a process can be born; null without that tree. */
  birthDirectory(group: string): string | null;
  /**
   * Absolute `cgroup.procs` files into each of which a process writes `0` to enter the group: one that is there, or one
   * that is made with these limits and no others.
   */
  entryFiles(group: string, limits?: Limits): readonly string[];
  /** The same of a group made by `createUnlimited`. */
  unlimitedEntryFiles(group: string): readonly string[];
  /**
   * Sets the limits, and takes away those set `before`. `no-resources` when more memory is in use than the new limit
   * allows, `unsupported` for one this node cannot hold; then nothing changed. @returns as `create` does.
   */
  update(group: string, limits: Limits, before?: Limits): Promise<readonly ClampedSetting[]>;
  /** Writes control files no limit has a word for, in order. @throws `unsupported` naming the field for one this node does not have. */
  writeRaw(group: string, writes: readonly RawWrite[]): Promise<void>;
  /** Sets how a group that is there shares with its neighbours, and nothing else of it. Null is what the kernel has unless told otherwise. */
  weigh(group: string, weights: Pick<Limits, 'cpuShares' | 'ioWeight'>): Promise<void>;
  /**
   * What the kernel has now of memory, CPU and processes and of the limits `asked` for: what `canonicalLimits` made of
   * the limits set, or what somebody else wrote. Null when the group is gone.
   */
  read(group: string, asked?: Limits): Promise<Limits | null>;
  /** Stops every process of the group where it is, until `thaw`. Resolves when all stand still. @throws `kernel` when one does not; then all run on. */
  freeze(group: string): Promise<void>;
  /** Lets a frozen group go on. Does nothing when it is not frozen, or gone. */
  thaw(group: string): Promise<void>;
  /** Whether all of the group stands still, whoever froze it. False when it is gone. */
  isFrozen(group: string): Promise<boolean>;
  /** Every process in the group and below it, in any hierarchy. Empty when the group is gone. */
  pids(group: string): Promise<readonly number[]>;
  /** Kills every process in the group and below it, also those that fork faster than one can count; resolves when none is left. */
  kill(group: string): Promise<void>;
  /** Removes the group and all below it. It must hold no process. Does nothing when it is gone. */
  remove(group: string): Promise<void>;
  /** Processes the kernel killed for want of memory in the group and below it; 0 when it is gone. */
  oomKills(group: string): Promise<number>;
  /** What the group and all below it have used since it was made, and use now. Null when it is gone. */
  usage(group: string): Promise<GroupUsage | null>;
  /** How often the group met its limits since it was made. Null when it is gone. */
  limitCounts(group: string): Promise<LimitCounts | null>;
  /** Every group below the root, in any hierarchy, parents before their children. */
  list(): Promise<readonly string[]>;
}
