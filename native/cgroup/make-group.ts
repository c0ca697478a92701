import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BackendError } from '../errors.ts';
import type { Base } from './base.ts';
import type { CgroupGround } from './ground.ts';
import { directoriesTo, makeDirectory } from './tree.ts';

/** A group to be there in one hierarchy, and where to note the directories made for it. */
export interface GroupInBase {
  readonly base: Base;
  readonly group: string;
  readonly made: string[];
}

/** Makes a group and those above it, up to our root, in one hierarchy. */
export async function makeGroupIn(ground: CgroupGround, { base, group, made }: GroupInBase): Promise<void> {
  const holder = dirname(base.directory);
  const directories = directoriesTo(holder, join(basename(base.directory), group));
  // Looked for from the innermost: most groups above a new one are there.
  const lastThere = directories.findLastIndex((directory) => existsSync(directory));
  if (lastThere < 0) requireHolder(holder);
  let parent = holder;
  for (const [index, directory] of directories.entries()) {
    await ground.prepareParent(parent);
    if (index > lastThere && (await makeDirectory(directory))) {
      made.push(directory);
      await ground.prepareGroup(base, directory);
    }
    parent = directory;
  }
}

/** The directory that holds our root is not ours to make. */
function requireHolder(holder: string): void {
  if (existsSync(holder)) return;
  const message = `cgroup ${holder} is not there, and not ours to make: start the systemd unit that delegates it, or choose another root`;
  throw new BackendError('not-found', 'find cgroup', message);
}
