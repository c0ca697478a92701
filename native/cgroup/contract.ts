import type { Limits } from '../backend.ts';
import type { GroupUsage } from './usage.ts';

/**
 * Cgroups below one root of ours, on whatever the kernel has mounted. A group is a path relative to that root
 * (`pod`, `pod/app`); the empty string is the root itself. Failures are thrown as `BackendError`.
 */
export interface CgroupDriver {
  /** Makes the group and its parents and sets its limits. Does nothing more than set them when it is there. */
  create(group: string, limits: Limits): Promise<void>;
  /** Absolute `cgroup.procs` files into each of which a process writes `0` to enter the group. */
  entryFiles(group: string): readonly string[];
  /** Sets the limits. `no-resources` when more memory is in use than the new limit allows; then nothing changed. */
  update(group: string, limits: Limits): Promise<void>;
  /** What the kernel has now: what `canonicalLimits` made of the limits set, or what somebody else wrote. Null when the group is gone. */
  read(group: string): Promise<Limits | null>;
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
  /** Every group below the root, in any hierarchy, parents before their children. */
  list(): Promise<readonly string[]>;
}
