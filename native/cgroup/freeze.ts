import { join } from 'node:path';
import { BackendError } from '../errors.ts';
import { waitUntil } from '../process/wait-until.ts';
import { readControl, writeControl, writeControlIfPresent } from './files.ts';
import type { CgroupGround } from './ground.ts';

const FREEZE_MS = 2_000;

/** Where a group is frozen: the file written, what is written, and where the kernel tells that all stand still. */
interface Freezer {
  readonly path: string;
  readonly frozen: string;
  readonly thawed: string;
  readonly statePath: string;
  readonly isFrozen: RegExp;
}

/**
 * Stops all of a group where it is.
 * @throws BackendError `kernel` when a process does not stand still within two seconds (it sleeps in the kernel); the
 * group then runs on. `unsupported` when the kernel has no freezer.
 */
export async function freezeGroup(ground: CgroupGround, group: string): Promise<void> {
  const freezer = freezerOf(ground, group);
  if (freezer === null) {
    throw new BackendError('unsupported', 'find freezer', 'neither the v2 tree nor the v1 freezer is mounted');
  }
  await writeControl(freezer.path, freezer.frozen);
  if (await waitUntil(() => isStill(freezer), FREEZE_MS)) return;
  await thawGroup(ground, group);
  throw new BackendError('kernel', 'freeze', `cgroup "${group}": a process does not stand still; it runs on`);
}

/** Lets a group go on. */
export async function thawGroup(ground: CgroupGround, group: string): Promise<void> {
  const freezer = freezerOf(ground, group);
  if (freezer !== null) await writeControlIfPresent(freezer.path, freezer.thawed);
}

/** @returns whether all of the group stands still, itself or a group above it being frozen. */
export async function isGroupFrozen(ground: CgroupGround, group: string): Promise<boolean> {
  const freezer = freezerOf(ground, group);
  return freezer !== null && (await isStill(freezer));
}

/** The v2 freezer where there is one: unlike that of v1, it lets SIGKILL through. */
function freezerOf({ unified, freezer }: CgroupGround, group: string): Freezer | null {
  if (unified !== null) {
    const directory = join(unified.directory, group);
    const [path, statePath] = [join(directory, 'cgroup.freeze'), join(directory, 'cgroup.events')];
    return { path, statePath, frozen: '1', thawed: '0', isFrozen: /^frozen 1$/m };
  }
  if (freezer === null) return null;
  const path = join(freezer.directory, group, 'freezer.state');
  return { path, statePath: path, frozen: 'FROZEN', thawed: 'THAWED', isFrozen: /^FROZEN$/ };
}

async function isStill({ statePath, isFrozen }: Freezer): Promise<boolean> {
  return isFrozen.test((await readControl(statePath)) ?? '');
}
