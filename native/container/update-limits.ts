import type { ClampedSetting, ContainerRef, Limits } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { groupOf } from '../records/layout.ts';
import { checkLimits } from './check-limits.ts';
import { runningRecord } from './running-record.ts';
import { weighPod } from './weigh-pod.ts';

/** Changes a running container's limits in the kernel, then records them as the applied ones. */
export async function updateLimits(context: BackendContext, ref: ContainerRef, limits: Limits): Promise<void> {
  checkLimits(limits);
  await context.locks.run(ref.sandboxId, async () => {
    const record = await runningRecord(context, ref, 'update limits');
    const before = record.applied;
    const clamped = await context.cgroups.update(groupOf(ref), limits, before);
    await weighPod(context, { ref, limits, before });
    const others = record.clamped.filter((setting) => !OF_LIMITS.has(setting));
    await context.records.saveContainer({ ...record, applied: limits, clamped: [...others, ...clamped] });
  });
}

const OF_LIMITS: ReadonlySet<ClampedSetting> = new Set(['memoryHigh', 'ioWeight']);
