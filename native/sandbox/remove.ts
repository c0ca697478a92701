import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkId } from '../container/check-spec.ts';
import type { BackendContext } from '../context.ts';
import { removeTree } from '../files/remove-tree.ts';
import { detachFromNetworks } from '../network/attach.ts';

/** Kills and removes a sandbox with all its containers, their roots, logs and records. */
export async function removeSandbox(context: BackendContext, id: string): Promise<void> {
  checkId(id);
  await context.locks.run(id, async () => {
    context.inFlight.add(id);
    try {
      await removeEverything(context, id);
    } finally {
      context.inFlight.delete(id);
    }
  });
}

/** The same within the sandbox's lock. The records go last, so that whatever is left after a crash is found again. */
export async function removeEverything(context: BackendContext, id: string): Promise<void> {
  const { cgroups, layout, records } = context;
  context.liveness.forget(id);
  await cgroups.kill(id);
  await cgroups.remove(id);
  await removeTree(join(layout.containersDir, id));
  const sandbox = await records.sandbox(id);
  if (sandbox.state === 'found') await detachFromNetworks(context, sandbox.record);
  for (const path of sandbox.state === 'found' ? sandbox.record.logPaths : []) await removeLogs(path);
  for (const name of await records.containerNames(id)) {
    const found = await records.container({ sandboxId: id, name });
    if (found.state !== 'found') continue;
    for (const path of layout.exitFiles(found.record, found.record.attempt)) await rm(path, { force: true });
  }
  await removeTree(layout.sandboxDir(id));
  context.ids.release(id);
}

/** Removes a log file and the older ones the shim moved aside (`path.1`, `path.2`, ...). */
async function removeLogs(path: string): Promise<void> {
  const name = basename(path);
  const entries = await readdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries) {
    const isOurs = entry === name || (entry.startsWith(`${name}.`) && /^\d+$/.test(entry.slice(name.length + 1)));
    if (isOurs) await rm(join(dirname(path), entry), { force: true });
  }
}
