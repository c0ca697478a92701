import type { Limits } from '../limits.ts';
import type { CgroupGround } from './ground.ts';
import { canonicalLimits } from './limits.ts';

/**
 * Reads the limits every group has, and of the others those that were asked for: no file is read for a limit that was
 * not set. Null when the group is gone.
 */
export async function readAllLimits(ground: CgroupGround, group: string, asked: Limits): Promise<Limits | null> {
  const known = await ground.readLimits(group, asked);
  if (known === null) return null;
  const wanted = ground.controls.filter((control) => control.isAsked(asked));
  if (wanted.length === 0) return known;
  const canonical = canonicalLimits(asked);
  const found = await Promise.all(wanted.map((control) => control.read(group, canonical)));
  return Object.assign({ ...known }, ...found) as Limits;
}
