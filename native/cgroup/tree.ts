import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '../errors.ts';
import { cgroupError, errnoOf, isGone, readControl } from './files.ts';

const REMOVE_MS = 10_000;
const RETRY_MS = 5;

/** @throws BackendError `invalid-spec` unless the group is a plain path that stays below its root. */
export function checkGroup(group: string): string {
  const isPlain = group === '' || group.split('/').every((part) => /^[^\0\n]+$/.test(part) && !/^\.{1,2}$/.test(part));
  if (isPlain) return group;
  throw new BackendError('invalid-spec', 'cgroup name', `cgroup "${group}": expected names joined by single slashes`);
}

/** Every directory from the first below `base` down to the group, outermost first. */
export function directoriesTo(base: string, group: string): readonly string[] {
  const parts = group.split('/').filter(Boolean);
  return parts.map((_, index) => join(base, ...parts.slice(0, index + 1)));
}

/** @returns whether the directory was made now; false when it was there. */
export async function makeDirectory(path: string): Promise<boolean> {
  try {
    mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw cgroupError('mkdir', path, error);
  }
}

/** Every group below `base` relative to it, parents first. */
export async function listBelow(base: string): Promise<readonly string[]> {
  return groupsBelow(base);
}

function groupsBelow(base: string): readonly string[] {
  return childrenOf(base).flatMap((name) => [
    name,
    ...groupsBelow(`${base}/${name}`).map((below) => `${name}/${below}`),
  ]);
}

/** Processes of a group and of all below it. */
export async function pidsBelow(directory: string): Promise<readonly number[]> {
  const groups = ['', ...(await listBelow(directory))];
  const pids = await Promise.all(groups.map((group) => pidsOf(join(directory, group))));
  return pids.flat();
}

/**
 * Removes a group and all below it, trying again for a while as long as the kernel finds it busy (processes that
 * have been killed leave a little later).
 */
export async function removeTree(directory: string): Promise<void> {
  for (const group of [...(await listBelow(directory))].reverse()) await removeGroup(join(directory, group));
  await removeGroup(directory);
}

async function removeGroup(directory: string): Promise<void> {
  const deadline = Date.now() + REMOVE_MS;
  for (;;) {
    try {
      return rmdirSync(directory);
    } catch (error) {
      if (isGone(error)) return;
      if (errnoOf(error) === 'EBUSY' && Date.now() < deadline) await sleep(RETRY_MS);
      else throw cgroupError('rmdir', directory, error, await processesIn(directory));
    }
  }
}

async function processesIn(directory: string): Promise<string> {
  const pids = await pidsBelow(directory);
  return pids.length === 0 ? '' : `with processes ${pids.join(', ')}`;
}

/** A threaded group (EOPNOTSUPP, in Node's words ENOTSUP) lists its processes in the domain above it; 0 is a process of a pid namespace that is not ours to name. */
async function pidsOf(directory: string): Promise<readonly number[]> {
  try {
    const text = (await readControl(join(directory, 'cgroup.procs'))) ?? '';
    return text
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch (error) {
    if (error instanceof BackendError && error.errno === 'ENOTSUP') return [];
    throw error;
  }
}

/** A group without others below it has two links, as a directory always had; listing its control files is spared. */
export const LEAF_LINKS = 2;

/** Names of the groups right below one; none when it is gone. */
export function childrenOf(directory: string): readonly string[] {
  try {
    if (statSync(directory, { throwIfNoEntry: false })?.nlink === LEAF_LINKS) return [];
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isGone(error)) return [];
    throw cgroupError('readdir', directory, error);
  }
}
