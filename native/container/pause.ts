import type { ContainerRef } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { groupOf } from '../records/layout.ts';
import { runningRecord } from './running-record.ts';

/** Stops every process of a running container where it is. A paused one is left alone. */
export async function pauseContainer(context: BackendContext, ref: ContainerRef): Promise<void> {
  await context.locks.run(ref.sandboxId, async () => {
    await runningRecord(context, ref, 'pause');
    await context.cgroups.freeze(groupOf(ref));
  });
}

/** Lets a paused container run on. A running one is left alone. */
export async function resumeContainer(context: BackendContext, ref: ContainerRef): Promise<void> {
  await context.locks.run(ref.sandboxId, async () => {
    await runningRecord(context, ref, 'resume');
    await context.cgroups.thaw(groupOf(ref));
  });
}
