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
export function pidsOfGroup(ground: CgroupGround, group: string): Promise<readonly number[]> {
  return pidsIn(ground.swept, group);
}

async function pidsIn(bases: readonly Base[], group: string): Promise<readonly number[]> {
  const pids = await Promise.all(bases.map((base) => pidsBelow(join(base.directory, group))));
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
    await killOnce(ground, group);
    await sleep(pauseMs);
    pids = await pidsOfGroup(ground, group);
  }
}

function refuseOwnProcess(group: string, pids: readonly number[]): void {
  if (!pids.includes(process.pid)) return;
  throw new BackendError('invalid-spec', 'kill', `cgroup "${group}" holds this very process (${process.pid})`);
}

/** Looks again for what the kernel did not kill at once: a process that has ended since is nobody's, or another's. */
async function killOnce(ground: CgroupGround, group: string): Promise<void> {
  if (ground.freezer !== null) await thaw(join(ground.freezer.directory, group));
  const killed = await killUnified(ground.unified, group);
  const pids = await pidsIn(killed === null ? ground.swept : allBut(ground.swept, ground.unified), group);
  const others = pids.filter((pid) => !killed?.includes(pid));
  if (others.length === 0) return;
  await stopForks(ground, group);
  for (const pid of others) signal(pid);
}

function allBut(bases: readonly Base[], one: Base | null): readonly Base[] {
  return bases.filter((base) => base.directory !== one?.directory);
}

/** The v1 freezer holds SIGKILL back until the process is thawed. */
async function thaw(directory: string): Promise<void> {
  for (const group of ['', ...(await listBelow(directory))]) {
    await writeControlIfPresent(join(directory, group, 'freezer.state'), 'THAWED');
  }
}

/** @returns what the kernel killed at once by `cgroup.kill` (Linux 5.14), frozen or forking as it may be; null without it. */
async function killUnified(unified: Base | null, group: string): Promise<readonly number[] | null> {
  if (unified === null) return null;
  const directory = join(unified.directory, group);
  const pids = await pidsBelow(directory);
  return (await writeControlIfPresent(join(directory, 'cgroup.kill'), '1')) ? pids : null;
}

/** Brings processes that are in the group in other hierarchies only under its `pids.max`; on pure v2 there are none. */
async function stopForks({ swept, pids: base }: CgroupGround, group: string): Promise<void> {
  const directory = join(base.directory, group);
  const elsewhere = await pidsIn(allBut(swept, base), group);
  const governed = await pidsBelow(directory);
  const strays = elsewhere.filter((pid) => !governed.includes(pid));
  if (strays.length === 0) return;
  for (const parent of directoriesTo(base.directory, group)) await makeDirectory(parent);
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
