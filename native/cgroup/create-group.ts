import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClampedSetting } from '../backend.ts';
import { type Limits, NO_LIMITS } from '../limits.ts';
import type { Base } from './base.ts';
import { errnoOf, isGone } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { makeGroupIn } from './make-group.ts';
import { writeAllLimits } from './write-limits.ts';

/**
 * Makes a group in every hierarchy it enters and sets its limits; a new group that is to have none has none already.
 * What was made goes again when a later part fails.
 */
export async function createGroup(
  ground: CgroupGround,
  group: string,
  limits: Limits,
): Promise<readonly ClampedSetting[]> {
  return undoneOnFailure(async (made) => {
    for (const base of ground.entered) await makeGroupIn(ground, { base, group, made });
    const isNew = ground.entered.every(({ directory }) => made.includes(join(directory, group)));
    if (isNew && limits === NO_LIMITS) return [];
    return await writeAllLimits(ground, { group, limits, before: NO_LIMITS, made });
  });
}

/** Makes a group that is only to be told apart from its neighbours, and those above it. */
export function createUnlimitedGroup(ground: CgroupGround, group: string): Promise<void> {
  return undoneOnFailure(async (made) => {
    for (const base of ground.entered) {
      await makeGroupIn(ground, { base, group: unlimitedGroupIn(ground, base, group), made });
    }
  });
}

/** Makes a group in the v2 tree, where a process can be born. @returns its directory there; null without that tree. */
export async function createBirthDirectory(ground: CgroupGround, group: string): Promise<string | null> {
  const { unified } = ground;
  if (unified === null) return null;
  await undoneOnFailure((made) => makeGroupIn(ground, { base: unified, group, made }));
  return join(unified.directory, group);
}

/**
 * @returns which group of a hierarchy the processes of one without limits are in. Where the v2 tree is beside v1, it alone
 * tells them apart: a group less in each of the others is several system calls less in the start of a pod.
 */
export function unlimitedGroupIn({ unified }: CgroupGround, base: Base, group: string): string {
  return unified === null || base === unified ? group : group.split('/').slice(0, -1).join('/');
}

/** Removes the directories made when a later part fails. */
async function undoneOnFailure<Result>(make: (made: string[]) => Promise<Result>): Promise<Result> {
  const made: string[] = [];
  try {
    return await make(made);
  } catch (error) {
    for (const directory of made.reverse()) removeUnlessTaken(directory);
    throw error;
  }
}

/** Gone already, or in use by a group that somebody else made below it meanwhile. */
function removeUnlessTaken(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isGone(error) && errnoOf(error) !== 'EBUSY') throw error;
  }
}
