import type { ContainerRef, Limits } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { groupOf } from '../records/layout.ts';
import { checkLimits } from './check-spec.ts';
import { runningRecord } from './running-record.ts';

/** Changes a running container's limits in the kernel, then records them as the applied ones. */
export async function updateLimits(context: BackendContext, ref: ContainerRef, limits: Limits): Promise<void> {
  checkLimits(limits);
  await context.locks.run(ref.sandboxId, async () => {
    const record = await runningRecord(context, ref, 'update limits');
    await context.cgroups.update(groupOf(ref), limits);
    await context.records.saveContainer({ ...record, applied: { ...limits } });
  });
}
