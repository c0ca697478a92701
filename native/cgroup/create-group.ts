import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClampedSetting } from '../backend.ts';
import { type Limits, NO_LIMITS } from '../limits.ts';
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
  const made: string[] = [];
  try {
    for (const base of ground.entered) await makeGroupIn(ground, { base, group, made });
    const isNew = ground.entered.every(({ directory }) => made.includes(join(directory, group)));
    if (isNew && limits === NO_LIMITS) return [];
    return await writeAllLimits(ground, { group, limits, before: NO_LIMITS, made });
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
