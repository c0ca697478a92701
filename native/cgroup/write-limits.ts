import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClampedSetting } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { type Limits, NO_LIMITS } from '../limits.ts';
import { cannotHold, type LimitControl } from './controls/control.ts';
import { writeSlowControl } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { handDown } from './hand-down.ts';
import { pidsOfGroup } from './kill.ts';
import { canonicalLimits } from './limits.ts';
import { makeGroupIn } from './make-group.ts';
import { directoriesTo, pidsBelow } from './tree.ts';

/** Limits a group is to have, those it had, and where to note directories made for it. */
export interface LimitChange {
  readonly group: string;
  readonly limits: Limits;
  readonly before: Limits;
  readonly made: string[];
}

/** Sets all limits of a group that is there. @returns what this node holds only in part. */
export async function writeAllLimits(ground: CgroupGround, change: LimitChange): Promise<readonly ClampedSetting[]> {
  const limits = canonicalLimits(change.limits);
  const before = canonicalLimits(change.before);
  const clamped: ClampedSetting[] = [];
  await ground.writeLimits(change.group, limits);
  for (const control of ground.controls) {
    if (control.isAsked(limits)) await prepare(ground, control, change);
    else if (!control.isAsked(before) || !isPrepared(control, change.group)) continue;
    clamped.push(...(await write(control, { ...change, limits, before })));
  }
  return [...new Set(clamped)];
}

/** Changes the limits of a group. When one is refused the others are as they were. */
export async function updateGroup(
  ground: CgroupGround,
  change: Omit<LimitChange, 'made'>,
): Promise<readonly ClampedSetting[]> {
  try {
    return await writeAllLimits(ground, { ...change, made: [] });
  } catch (error) {
    const back = { ...change, limits: change.before, before: change.limits, made: [] };
    await writeAllLimits(ground, back).catch(() => undefined);
    throw error;
  }
}

/** Sets the weights of a group, and nothing else of it. */
export async function writeWeights(
  ground: CgroupGround,
  group: string,
  weights: Pick<Limits, 'cpuShares' | 'ioWeight'>,
): Promise<void> {
  const limits = canonicalLimits({ ...NO_LIMITS, ...weights });
  const every: Limits = { ...NO_LIMITS, cpuShares: 2, ioWeight: 10 };
  for (const control of ground.controls) {
    if (control.isAsked(every)) await write(control, { group, limits, before: every, made: [] });
  }
}

/** A hierarchy is entered, a controller handed down, only by groups that ask for it. */
async function prepare(ground: CgroupGround, control: LimitControl, { group, made }: LimitChange): Promise<void> {
  const { hierarchy: base, controller } = control;
  if (controller !== null) {
    const { directory } = controller.base;
    const parents = [
      dirname(directory),
      ...directoriesTo(dirname(directory), directory.slice(dirname(directory).length)),
    ];
    const above = directoriesTo(directory, dirname(group) === '.' ? '' : dirname(group));
    for (const parent of group === '' ? [dirname(directory)] : [...parents, ...above]) {
      await handDown(parent, { needed: [], optional: [controller.name] });
    }
  }
  if (base === null || isPrepared(control, group)) return;
  await makeGroupIn(ground, { base, group, made });
  await enter(ground, join(base.directory, group), group);
}

function isPrepared({ hierarchy }: LimitControl, group: string): boolean {
  return hierarchy === null || existsSync(join(hierarchy.directory, group));
}

/** Brings the processes a group has already into one more of its hierarchies; those they fork meanwhile come with the next round. */
async function enter(ground: CgroupGround, directory: string, group: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const inside = new Set(await pidsBelow(directory));
    const outside = (await pidsOfGroup(ground, group)).filter((pid) => !inside.has(pid));
    if (outside.length === 0) return;
    for (const pid of outside) await moveInto(directory, pid);
  }
  throw new BackendError(
    'kernel',
    'enter cgroup',
    `cgroup ${directory}: its processes fork faster than they can be moved`,
  );
}

const ROUNDS = 100;

/** It may have ended. */
async function moveInto(directory: string, pid: number): Promise<void> {
  await writeSlowControl(join(directory, 'cgroup.procs'), String(pid)).catch((error: BackendError) => {
    if (error.errno !== 'ESRCH') throw error;
  });
}

/** A file that is missing from a group that is there belongs to a controller this node does not have for us. */
async function write(
  control: LimitControl,
  { group, limits, before }: LimitChange,
): Promise<readonly ClampedSetting[]> {
  try {
    return await control.write(group, limits, before);
  } catch (error) {
    const isMissing = error instanceof BackendError && error.code === 'not-found' && existsSync(dirname(pathIn(error)));
    if (!isMissing) throw error;
    throw cannotHold(pathIn(error).replace(/^.*\//, ''), 'this node has no such control', error);
  }
}

function pathIn({ message }: BackendError): string {
  return / failed on (\S+):/.exec(message)?.[1] ?? '';
}
