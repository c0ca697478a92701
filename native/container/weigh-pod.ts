import type { ContainerRef } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import type { Limits } from '../limits.ts';

const DEFAULT_SHARES = 1_024;
const MOST_SHARES = 262_144;

/**
 * Gives a pod the CPU shares of its containers together, and the largest of their disk weights: groups are weighed
 * against their neighbours only, so that of a container alone would tell nothing among pods. One that ended counts until
 * it is removed and another one started.
 * @param changed the container whose limits are new, and what it had before.
 */
export async function weighPod(
  { records, cgroups }: BackendContext,
  { ref, limits, before }: { readonly ref: ContainerRef; readonly limits: Limits; readonly before: Limits },
): Promise<void> {
  const all: Limits[] = [limits];
  for (const name of await records.containerNames(ref.sandboxId)) {
    if (name === ref.name) continue;
    const found = await records.container({ sandboxId: ref.sandboxId, name });
    if (found.state === 'found') all.push(found.record.applied);
  }
  const isWeighed = [before, ...all].some(({ cpuShares, ioWeight }) => cpuShares != null || ioWeight != null);
  if (!isWeighed) return;
  const sum = all.reduce((shares, { cpuShares }) => shares + (cpuShares ?? DEFAULT_SHARES), 0);
  const weights = all.flatMap(({ ioWeight }) => ioWeight ?? []);
  await cgroups.weigh(ref.sandboxId, {
    cpuShares: all.some(({ cpuShares }) => cpuShares != null) ? Math.min(sum, MOST_SHARES) : null,
    ioWeight: weights.length === 0 ? null : Math.max(...weights),
  });
}
