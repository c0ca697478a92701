import { existsSync, rmdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Limits } from '../backend.ts';
import { BackendError } from '../errors.ts';
import type { CgroupDriver } from './contract.ts';
import { errnoOf, isGone, readControl } from './files.ts';
import { freezeGroup, isGroupFrozen, thawGroup } from './freeze.ts';
import type { Base, CgroupGround } from './ground.ts';
import { v1Ground } from './ground-v1.ts';
import { CONTROLLERS, v2Ground } from './ground-v2.ts';
import { createGroupList } from './group-list.ts';
import { killGroup, pidsOfGroup } from './kill.ts';
import { canonicalLimits } from './limits.ts';
import { type CgroupMounts, parseCgroupMounts } from './mounts.ts';
import { checkGroup, directoriesTo, makeDirectory, removeTree } from './tree.ts';

export type { CgroupDriver } from './contract.ts';

export interface CgroupDriverOptions {
  /**
   * Our root below every hierarchy's mount point, such as `/holdfast`. Its last component is ours to make; those above
   * must be there, and are left as they are but for the directory that holds our root, which needs its controllers.
   */
  readonly root: string;
  /** The mount table in mountinfo form; the process's own unless given. */
  readonly mountTable?: string;
}

/**
 * Opens the cgroup tree: v2 when the unified hierarchy has the memory, cpu and pids controllers, else v1 or hybrid.
 * Makes nothing yet. @throws BackendError `unsupported` when a controller is missing.
 */
export async function createCgroupDriver(options: CgroupDriverOptions): Promise<CgroupDriver> {
  const root = checkGroup(options.root.replace(/^\/|\/$/g, ''));
  if (root === '')
    throw new BackendError('invalid-spec', 'cgroup root', 'cgroup root: expected a path below the mount');
  const mounts = parseCgroupMounts(await readFile(options.mountTable ?? '/proc/self/mountinfo', 'utf8'));
  return driverOn(await groundFor(mounts, root));
}

async function groundFor(mounts: CgroupMounts, root: string): Promise<CgroupGround> {
  const base = (mount: string): Base => ({ mount, directory: join(mount, root) });
  const unified = mounts.unified === null ? null : base(mounts.unified);
  if (unified !== null && (await hasControllers(unified))) return v2Ground(unified);
  const v1 = (name: string): Base => {
    const mount = mounts.v1.get(name);
    if (mount !== undefined) return base(mount);
    const message = `the kernel's ${name} cgroup controller is mounted neither as v1 nor as v2; mount cgroup2 on /sys/fs/cgroup`;
    throw new BackendError('unsupported', 'find cgroups', message);
  };
  const optional = (name: string): Base | null => {
    const mount = mounts.v1.get(name);
    return mount === undefined ? null : base(mount);
  };
  return v1Ground({
    memory: v1('memory'),
    cpu: v1('cpu'),
    pids: v1('pids'),
    freezer: optional('freezer'),
    cpuAccounting: optional('cpuacct'),
    io: optional('blkio'),
    unified,
  });
}

async function hasControllers(unified: Base): Promise<boolean> {
  const names = ((await readControl(join(unified.mount, 'cgroup.controllers'))) ?? '').split(' ');
  return CONTROLLERS.every((name) => names.includes(name));
}

function driverOn(ground: CgroupGround): CgroupDriver {
  const groups = createGroupList();
  return {
    create: (group, limits) => create(ground, { group: checkGroup(group), limits }),
    entryFiles: (group) => ground.entered.map((base) => join(base.directory, checkGroup(group), 'cgroup.procs')),
    update: (group, limits) => ground.writeLimits(checkGroup(group), canonicalLimits(limits)),
    read: (group) => ground.readLimits(checkGroup(group)),
    freeze: (group) => freezeGroup(ground, checkGroup(group)),
    thaw: (group) => thawGroup(ground, checkGroup(group)),
    isFrozen: (group) => isGroupFrozen(ground, checkGroup(group)),
    pids: (group) => pidsOfGroup(ground, checkGroup(group)),
    kill: (group) => killGroup(ground, checkGroup(group)),
    remove: async (group) => {
      for (const base of ground.swept) await removeTree(join(base.directory, checkGroup(group)));
    },
    oomKills: (group) => ground.countOomKills(checkGroup(group)),
    usage: (group) => ground.readUsage(checkGroup(group)),
    list: async () => groups.below(ground.swept.map((base) => base.directory)),
  };
}

interface Creation {
  readonly group: string;
  readonly limits: Limits;
}

/** What was made goes again when a later part fails. */
async function create(ground: CgroupGround, creation: Creation): Promise<void> {
  const made: string[] = [];
  try {
    for (const base of ground.entered) {
      const holder = requireHolder(base);
      let parent = holder;
      for (const directory of directoriesTo(holder, join(basename(base.directory), creation.group))) {
        await ground.prepareParent(parent);
        if (await makeDirectory(directory)) {
          made.push(directory);
          await ground.prepareGroup(directory);
        }
        parent = directory;
      }
    }
    await ground.writeLimits(creation.group, canonicalLimits(creation.limits));
  } catch (error) {
    for (const directory of made.reverse()) removeUnlessTaken(directory);
    throw error;
  }
}

/** The directory that holds our root is not ours to make. */
function requireHolder({ directory }: Base): string {
  const holder = dirname(directory);
  if (existsSync(holder)) return holder;
  const message = `cgroup ${holder} is not there, and not ours to make: start the systemd unit that delegates it, or choose another root`;
  throw new BackendError('not-found', 'find cgroup', message);
}

/** Gone already, or in use by a group that somebody else made below it meanwhile. */
function removeUnlessTaken(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isGone(error) && errnoOf(error) !== 'EBUSY') throw error;
  }
}
