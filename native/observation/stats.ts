import type { ContainerRef, ContainerStats } from '../backend.ts';
import { runningRecord } from '../container/running-record.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { groupOf } from '../records/layout.ts';

/** Reads what one running container uses. */
export async function stats(context: BackendContext, ref: ContainerRef): Promise<ContainerStats> {
  await runningRecord(context, ref, 'read stats');
  const usage = await context.cgroups.usage(groupOf(ref));
  if (usage === null) throw new BackendError('not-found', 'read stats', `container ${groupOf(ref)} has no cgroup`);
  return { sandboxId: ref.sandboxId, name: ref.name, at: Date.now(), ...usage };
}

/** Reads what every running container uses; one that ends meanwhile is left out. */
export async function statsOfAll(context: BackendContext): Promise<readonly ContainerStats[]> {
  const { records } = context;
  const refs = await Promise.all(
    (await records.sandboxIds()).map(async (sandboxId) =>
      (await records.containerNames(sandboxId)).map((name) => ({ sandboxId, name })),
    ),
  );
  const found = await Promise.all(refs.flat().map((ref) => statsOrNull(context, ref)));
  return found.filter((each) => each !== null);
}

async function statsOrNull(context: BackendContext, ref: ContainerRef): Promise<ContainerStats | null> {
  try {
    return await stats(context, ref);
  } catch (error) {
    if (error instanceof BackendError && (error.code === 'not-found' || error.code === 'invalid-spec')) return null;
    throw error;
  }
}
