import type { BackendContext } from '../context.ts';
import { groupOf } from '../records/layout.ts';

/**
 * Kills the containers whose postStart command was still running when an earlier agent died: it died with that agent,
 * and nobody knows how far it came. They end as killed ones do, and are started again as their pod has it.
 */
export async function endUnfinishedStarts({ records, cgroups }: BackendContext): Promise<void> {
  for (const sandboxId of await records.sandboxIds()) {
    for (const name of await records.containerNames(sandboxId)) {
      const found = await records.container({ sandboxId, name });
      if (found.state === 'found' && found.record.isStarting === true) await cgroups.kill(groupOf(found.record));
    }
  }
}
