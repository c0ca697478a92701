import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '../errors.ts';
import type { Base } from './base.ts';
import { errnoOf, readControl, writeControlIfPresent, writeSlowControl } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { directoriesTo, listBelow, makeDirectory, pidsBelow } from './tree.ts';

const KILL_MS = 10_000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** Processes in the group in any hierarchy, each once. */
export async function pidsOfGroup(ground: CgroupGround, group: string): Promise<readonly number[]> {
  const pids = await Promise.all(ground.swept.map((base) => pidsBelow(join(base.directory, group))));
  return [...new Set(pids.flat())].sort((a, b) => a - b);
}

/**
 * Kills all of a group: at once where the kernel can, so that no program meets a fork that fails before its end. For
 * whatever is left forks are stopped (`pids.max` 0), so that the number of processes only falls.
 * @throws BackendError `kernel` when processes are left after ten seconds (unkillable sleep in the kernel).
 */
export async function killGroup(ground: CgroupGround, group: string): Promise<void> {
  const pids = await pidsOfGroup(ground, group);
  if (pids.length === 0) return;
  refuseOwnProcess(group, pids);
  await killUnified(ground.unified, group);
  const limit = join(ground.pids.directory, group, 'pids.max');
  const before = await readControl(limit);
  await writeControlIfPresent(limit, '0');
  try {
    await killUntilEmpty(ground, group);
  } finally {
    if (before !== null) await writeControlIfPresent(limit, before);
  }
}

async function killUntilEmpty(ground: CgroupGround, group: string): Promise<void> {
  const deadline = Date.now() + KILL_MS;
  let pids = await pidsOfGroup(ground, group);
  for (let pauseMs = FIRST_PAUSE_MS; pids.length > 0; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    refuseOwnProcess(group, pids);
    if (Date.now() > deadline) {
      throw new BackendError('kernel', 'kill', `cgroup "${group}": processes ${pids.join(', ')} do not die`);
    }
    await killOnce(ground, group, pids);
    await sleep(pauseMs);
    pids = await pidsOfGroup(ground, group);
  }
}

function refuseOwnProcess(group: string, pids: readonly number[]): void {
  if (!pids.includes(process.pid)) return;
  throw new BackendError('invalid-spec', 'kill', `cgroup "${group}" holds this very process (${process.pid})`);
}

async function killOnce(ground: CgroupGround, group: string, pids: readonly number[]): Promise<void> {
  if (ground.freezer !== null) await thaw(join(ground.freezer.directory, group));
  const covered = await killUnified(ground.unified, group);
  const others = pids.filter((pid) => !covered.includes(pid));
  if (others.length === 0) return;
  await stopForks(ground.pids, group, others);
  for (const pid of others) signal(pid);
}

/** The v1 freezer holds SIGKILL back until the process is thawed. */
async function thaw(directory: string): Promise<void> {
  for (const group of ['', ...(await listBelow(directory))]) {
    await writeControlIfPresent(join(directory, group, 'freezer.state'), 'THAWED');
  }
}

/** @returns the processes the kernel killed at once by `cgroup.kill` (Linux 5.14), frozen or forking as they may be. */
async function killUnified(unified: Base | null, group: string): Promise<readonly number[]> {
  if (unified === null) return [];
  const directory = join(unified.directory, group);
  const pids = await pidsBelow(directory);
  return (await writeControlIfPresent(join(directory, 'cgroup.kill'), '1')) ? pids : [];
}

/** Brings processes that are in the group in some hierarchies only under its `pids.max`. */
async function stopForks(pidsBase: Base, group: string, pids: readonly number[]): Promise<void> {
  const directory = join(pidsBase.directory, group);
  const governed = await pidsBelow(directory);
  const strays = pids.filter((pid) => !governed.includes(pid));
  if (strays.length === 0) return;
  for (const parent of directoriesTo(pidsBase.directory, group)) await makeDirectory(parent);
  await writeControlIfPresent(join(directory, 'pids.max'), '0');
  for (const pid of strays) await moveInto(directory, pid);
}

async function moveInto(directory: string, pid: number): Promise<void> {
  try {
    await writeSlowControl(join(directory, 'cgroup.procs'), String(pid));
  } catch (error) {
    const isGone = error instanceof BackendError && (error.errno === 'ESRCH' || error.code === 'not-found');
    if (!isGone) throw error;
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
