import type { ContainerRef, Limits } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { groupOf } from '../records/layout.ts';
import { checkLimits, checkRef } from './check-spec.ts';
import { isContainerAlive } from './is-alive.ts';

/** Changes a running container's limits in the kernel, then records them as the applied ones. */
export async function updateLimits(context: BackendContext, ref: ContainerRef, limits: Limits): Promise<void> {
  checkRef(ref);
  checkLimits(limits);
  await context.locks.run(ref.sandboxId, async () => {
    const found = await context.records.container(ref);
    if (found.state !== 'found' || !(await isContainerAlive(context, found.record))) {
      throw new BackendError('not-found', 'update limits', `container ${groupOf(ref)} does not run`);
    }
    await context.cgroups.update(groupOf(ref), limits);
    await context.records.saveContainer({ ...found.record, applied: { ...limits } });
  });
}
