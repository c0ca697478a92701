import type { ContainerRef, Observation, ObservedContainer } from '../../native/index.ts';
import { readPodLabels } from '../observe/labels.ts';

/** What is wrong with the target of a verb, for people. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

/**
 * Finds the running container a person means.
 * @param target workload (`name` or `namespace/name`), then its first pod that runs; or the id of a pod.
 * @param container null when the pod has only one.
 * @throws TargetError when there is none, or several that could be meant.
 */
export function findContainer(observation: Observation, target: string, container: string | null): ContainerRef {
  const key = target.includes('/') ? target : `default/${target}`;
  const found = observation.sandboxes
    .filter(({ id, labels }) => id === target || readPodLabels(labels)?.key === key)
    .flatMap(({ containers }) => containers)
    .filter(({ state, name }) => state !== 'exited' && (container === null || name === container));
  const [first] = found;
  if (first === undefined) {
    const which = container === null ? 'no running container' : `no running container ${container}`;
    throw new TargetError(`${target} has ${which}; see holdfast ps`);
  }
  const others = found.filter(({ sandboxId }) => sandboxId === first.sandboxId);
  if (others.length > 1) {
    throw new TargetError(`${first.sandboxId} has several containers: name one of ${names(others)} with --container`);
  }
  return { sandboxId: first.sandboxId, name: first.name };
}

function names(containers: readonly ObservedContainer[]): string {
  return containers.map(({ name }) => name).join(', ');
}
