import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError } from '../errors.ts';
import { type Limits, NO_LIMITS } from '../limits.ts';
import type { Base } from './base.ts';
import type { CgroupDriver } from './contract.ts';
import { createBirthDirectory, createGroup, createUnlimitedGroup, unlimitedGroupIn } from './create-group.ts';
import { readControl } from './files.ts';
import { freezeGroup, isGroupFrozen, thawGroup } from './freeze.ts';
import type { CgroupGround } from './ground.ts';
import { v1Ground } from './ground-v1.ts';
import { CONTROLLERS, v2Ground } from './ground-v2.ts';
import { createGroupList } from './group-list.ts';
import { killGroup, pidsOfGroup } from './kill.ts';
import { canonicalLimits } from './limits.ts';
import { type CgroupMounts, parseCgroupMounts } from './mounts.ts';
import { writeRaw } from './raw-control.ts';
import { readAllLimits } from './read-limits.ts';
import { checkGroup, removeTree } from './tree.ts';
import { updateGroup, writeWeights } from './write-limits.ts';

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
    all: new Map([...mounts.v1].map(([name, mount]) => [name, base(mount)])),
    memory: v1('memory'),
    cpu: v1('cpu'),
    pids: v1('pids'),
    freezer: optional('freezer'),
    cpuAccounting: optional('cpuacct'),
    io: optional('blkio'),
    cpuset: optional('cpuset'),
    hugepages: optional('hugetlb'),
    unified,
    hasUnifiedHugepages: unified !== null && (await controllersOf(unified)).includes('hugetlb'),
  });
}

async function hasControllers(unified: Base): Promise<boolean> {
  const names = await controllersOf(unified);
  return CONTROLLERS.every((name) => names.includes(name));
}

async function controllersOf({ mount }: Base): Promise<readonly string[]> {
  return ((await readControl(join(mount, 'cgroup.controllers'))) ?? '').split(' ');
}

function driverOn(ground: CgroupGround): CgroupDriver {
  const groups = createGroupList();
  return {
    version: ground.version,
    holdsDevices: ground.v1.has('devices'),
    create: (group, limits) => createGroup(ground, checkGroup(group), limits),
    createUnlimited: (group) => createUnlimitedGroup(ground, checkGroup(group)),
    createBirthDirectory: (group) => createBirthDirectory(ground, checkGroup(group)),
    exists: (group) => ground.swept.some((base) => existsSync(join(base.directory, checkGroup(group)))),
    birthDirectory: (group) => (ground.unified === null ? null : join(ground.unified.directory, checkGroup(group))),
    entryFiles: (group, limits) => entryFiles(ground, checkGroup(group), limits),
    unlimitedEntryFiles: (group) =>
      ground.entered.map((base) =>
        join(base.directory, unlimitedGroupIn(ground, base, checkGroup(group)), 'cgroup.procs'),
      ),
    update: (group, limits, before = limits) => updateGroup(ground, { group: checkGroup(group), limits, before }),
    writeRaw: (group, writes) => writeRaw(ground, checkGroup(group), writes),
    weigh: (group, weights) => writeWeights(ground, checkGroup(group), weights),
    read: (group, asked = NO_LIMITS) => readAllLimits(ground, checkGroup(group), asked),
    freeze: (group) => freezeGroup(ground, checkGroup(group)),
    thaw: (group) => thawGroup(ground, checkGroup(group)),
    isFrozen: (group) => isGroupFrozen(ground, checkGroup(group)),
    pids: (group) => pidsOfGroup(ground, checkGroup(group)),
    kill: (group) => killGroup(ground, checkGroup(group)),
    remove: async (group) => {
      for (const base of ground.swept) await removeTree(join(base.directory, checkGroup(group)));
    },
    oomKills: (group) => ground.countOomKills(checkGroup(group)),
    limitCounts: (group) => ground.readLimitCounts(checkGroup(group)),
    usage: (group) => ground.readUsage(checkGroup(group)),
    list: async () => groups.below(ground.swept.map((base) => base.directory)),
  };
}

function entryFiles(ground: CgroupGround, group: string, limits?: Limits): readonly string[] {
  const asked = limits === undefined ? null : canonicalLimits(limits);
  const isEntered = ({ directory }: Base): boolean =>
    asked === null
      ? existsSync(join(directory, group))
      : ground.controls.some(({ hierarchy, isAsked }) => hierarchy?.directory === directory && isAsked(asked));
  return [...ground.entered, ...ground.enteredOnDemand.filter(isEntered)].map(({ directory }) =>
    join(directory, group, 'cgroup.procs'),
  );
}
