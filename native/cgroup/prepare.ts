import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BackendError } from '../errors.ts';
import { cannotHold, type LimitControl } from './controls/control.ts';
import { writeSlowControl } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { handDown } from './hand-down.ts';
import { pidsOfGroup } from './kill.ts';
import { makeGroupIn } from './make-group.ts';
import { directoriesTo, pidsBelow } from './tree.ts';

type Place = Pick<LimitControl, 'hierarchy' | 'controller'>;

/**
 * Makes a control available to a group: its hierarchy is entered, or its controller handed down to it, which only groups
 * that ask for it are. @param made where to note directories made.
 */
export async function prepare(ground: CgroupGround, group: string, place: Place, made: string[] = []): Promise<void> {
  const { hierarchy: base, controller } = place;
  if (controller !== null) {
    const { directory } = controller.base;
    const parents = group === '' ? [] : [directory, ...directoriesTo(directory, group).slice(0, -1)];
    for (const parent of [dirname(directory), ...parents]) {
      await handDown(parent, { needed: [], optional: [controller.name] });
    }
  }
  if (base === null || isPrepared(place, group)) return;
  if (!existsSync(dirname(base.directory))) {
    throw cannotHold(basename(base.mount), `${dirname(base.directory)} is not there, and not ours to make`);
  }
  await makeGroupIn(ground, { base, group, made });
  await enter(ground, join(base.directory, group), group);
}

/** @returns whether a group is in the hierarchy it needs, if it needs one. */
export function isPrepared({ hierarchy }: Place, group: string): boolean {
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
