import { rmdirSync } from 'node:fs';
import type { ClampedSetting } from '../backend.ts';
import { type Limits, NO_LIMITS } from '../limits.ts';
import { errnoOf, isGone } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { makeGroupIn } from './make-group.ts';
import { writeAllLimits } from './write-limits.ts';

/** Makes a group in every hierarchy it enters and sets its limits. What was made goes again when a later part fails. */
export async function createGroup(
  ground: CgroupGround,
  group: string,
  limits: Limits,
): Promise<readonly ClampedSetting[]> {
  const made: string[] = [];
  try {
    for (const base of ground.entered) await makeGroupIn(ground, { base, group, made });
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
