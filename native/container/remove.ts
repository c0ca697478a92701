import { rm } from 'node:fs/promises';
import type { ContainerRef } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { removeTree } from '../files/remove-tree.ts';
import { waitUntil } from '../process/wait-until.ts';
import { groupOf } from '../records/layout.ts';
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
  await cgroups.remove(groupOf(ref));
  const found = await records.container(ref);
  if (found.state === 'found') {
    const { record } = found;
    await waitUntil(async () => !(await isShimAlive(context, record)), SHIM_END_MS);
    for (const path of layout.exitFiles(ref, record.attempt)) await rm(path, { force: true });
  }
  await removeTree(layout.rootsOf(ref));
  await records.removeContainer(ref);
}
