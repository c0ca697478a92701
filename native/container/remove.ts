import { rm } from 'node:fs/promises';
import type { ContainerRef } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { removeTree } from '../files/remove-tree.ts';
import { waitUntil } from '../process/wait-until.ts';
import { groupOf, shimGroupOf } from '../records/layout.ts';
import type { ContainerRecord } from '../records/records.ts';
import { checkRef } from './check-spec.ts';
import { isShimAlive } from './is-alive.ts';

const SHIM_END_MS = 5_000;

/** Kills a container if it runs, and removes its cgroup, root and records. Its log stays. */
export async function removeContainer(context: BackendContext, ref: ContainerRef): Promise<void> {
  checkRef(ref);
  await context.locks.run(ref.sandboxId, () => removeContainerLocked(context, ref));
}

/** The same within the sandbox's lock. The record goes last, so that whatever is left after a crash is found again. */
export async function removeContainerLocked(context: BackendContext, ref: ContainerRef): Promise<void> {
  const { cgroups, layout, records } = context;
  context.liveness.forget(groupOf(ref));
  await cgroups.kill(groupOf(ref));
  await context.limitEvents.lastOf(ref);
  await cgroups.remove(groupOf(ref));
  const found = await records.container(ref);
  if (found.state === 'found') {
    const { record } = found;
    await waitUntil(async () => !(await hasShim(context, record)), SHIM_END_MS);
    for (const path of layout.exitFiles(ref, record.attempt)) await rm(path, { force: true });
  }
  await removeTree(layout.rootsOf(ref));
  await records.removeContainer(ref);
}

/** A start cut short has told nobody its shim: it is among the sandbox's processes, where no record names it. */
async function hasShim(context: BackendContext, record: ContainerRecord): Promise<boolean> {
  if (record.running !== null) return isShimAlive(context, record);
  const { records, cgroups } = context;
  const { sandboxId } = record;
  const sandbox = await records.sandbox(sandboxId);
  const names = await records.containerNames(sandboxId);
  const others = await Promise.all(names.map((name) => records.container({ sandboxId, name })));
  const known = new Set([
    sandbox.state === 'found' ? sandbox.record.holder?.pid : undefined,
    ...others.map((other) => (other.state === 'found' ? other.record.running?.shim.pid : undefined)),
  ]);
  return (await cgroups.pids(shimGroupOf(sandboxId))).some((pid) => !known.has(pid));
}
