import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BackendContext } from '../context.ts';
import { removeTree } from '../files/remove-tree.ts';
import { groupOf } from './layout.ts';
import type { ContainerRecord } from './records.ts';

type Ground = Pick<BackendContext, 'layout' | 'records' | 'cgroups' | 'ids'>;

/**
 * Removes what a crash or reboot left without a record: writable layers and exit records. A layer whose container still
 * has processes stays until its cgroup, by then a stranger, is removed.
 */
export async function removeLeftovers(ground: Ground): Promise<void> {
  for (const { id, idBase } of await ground.records.sandboxes()) if (idBase !== null) ground.ids.adopt(id, idBase);
  await releaseIds(ground);
  const current = await currentRecords(ground);
  await removeStaleRoots(ground, new Map(current.map((record) => [groupOf(record), record.attempt])));
  const exits = new Set(
    current.flatMap((record) => ground.layout.exitFiles(record, record.attempt).map((path) => basename(path))),
  );
  for (const name of await readdir(ground.layout.exitsDir)) {
    if (!exits.has(name)) await rm(join(ground.layout.exitsDir, name), { force: true });
  }
}

/** Ids claimed for a sandbox that was never recorded, or is gone; not of one that still has a group, be it a stranger. */
async function releaseIds({ ids, records, cgroups }: Ground): Promise<void> {
  const recorded = new Set(await records.sandboxIds());
  for (const owner of ids.owners()) if (!recorded.has(owner) && !cgroups.exists(owner)) ids.release(owner);
}

async function currentRecords({ records }: Ground): Promise<readonly ContainerRecord[]> {
  const found: ContainerRecord[] = [];
  for (const sandboxId of await records.sandboxIds()) {
    for (const name of await records.containerNames(sandboxId)) {
      const each = await records.container({ sandboxId, name });
      if (each.state === 'found') found.push(each.record);
    }
  }
  return found;
}

async function removeStaleRoots(ground: Ground, attempts: ReadonlyMap<string, number>): Promise<void> {
  const { layout, cgroups } = ground;
  for (const sandboxId of await readdir(layout.containersDir)) {
    const sandboxRoots = join(layout.containersDir, sandboxId);
    let kept = 0;
    for (const name of await readdir(sandboxRoots)) {
      const attempt = attempts.get(groupOf({ sandboxId, name }));
      const isUsed = attempt !== undefined || (await cgroups.pids(groupOf({ sandboxId, name }))).length > 0;
      if (isUsed) kept += 1;
      else await removeTree(join(sandboxRoots, name));
      if (attempt !== undefined) await removeOthers(layout.rootsOf({ sandboxId, name }), String(attempt));
    }
    if (kept === 0) await removeTree(sandboxRoots);
  }
}

async function removeOthers(directory: string, kept: string): Promise<void> {
  for (const name of await readdir(directory)) if (name !== kept) await removeTree(join(directory, name));
}
