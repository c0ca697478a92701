import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ClampedSetting } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { type Limits, NO_LIMITS } from '../limits.ts';
import { cannotHold, type LimitControl } from './controls/control.ts';
import type { CgroupGround } from './ground.ts';
import { canonicalLimits } from './limits.ts';
import { isPrepared, prepare } from './prepare.ts';

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
    if (control.isAsked(limits)) await prepare(ground, change.group, control, change.made);
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
