import type { ClampedSetting, ContainerRef, Limits } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { groupOf } from '../records/layout.ts';
import { checkLimits } from './check-limits.ts';
import { runningRecord } from './running-record.ts';
import { weighPod } from './weigh-pod.ts';

/** Changes a running container's limits in the kernel, then records them as the applied ones: both, or neither. */
export async function updateLimits(context: BackendContext, ref: ContainerRef, limits: Limits): Promise<void> {
  checkLimits(limits);
  await context.locks.run(ref.sandboxId, async () => {
    const record = await runningRecord(context, ref, 'update limits');
    const before = record.applied;
    const clamped = await context.cgroups.update(groupOf(ref), limits, before);
    try {
      await weighPod(context, { ref, limits, before });
      const others = record.clamped.filter((setting) => !OF_LIMITS.has(setting));
      await context.records.saveContainer({ ...record, applied: limits, clamped: [...others, ...clamped] });
    } catch (error) {
      // Limits that nobody recorded would be told as somebody else's.
      await context.cgroups.update(groupOf(ref), before, limits).catch(() => undefined);
      await weighPod(context, { ref, limits: before, before: limits }).catch(() => undefined);
      throw error;
    }
  });
}

const OF_LIMITS: ReadonlySet<ClampedSetting> = new Set(['memoryHigh', 'ioWeight']);
