import type { ContainerBackend } from '../../native/index.ts';
import type { ObservedPod } from '../reconcile/state.ts';

/**
 * Removes the containers that people attached and that have ended; their logs stay as long as the pod. One that cannot be
 * removed now is tried again at the next look.
 */
export async function removeEndedDebug(
  backend: Pick<ContainerBackend, 'removeContainer'>,
  pods: readonly ObservedPod[],
): Promise<void> {
  for (const { id, endedDebug = [] } of pods) {
    for (const name of endedDebug) await backend.removeContainer({ sandboxId: id, name }).catch(() => undefined);
  }
}
