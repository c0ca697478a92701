import { allContainers, type Container, type PodTemplate } from '../../manifests/index.ts';

const GUARANTEED = -997;
const BEST_EFFORT = 1_000;

/**
 * Which containers the kernel kills first when the node is out of memory, as kubelet ranks them: those of pods that ask
 * for nothing, then those that use more than they asked for, last those whose requests are their limits.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior
 * @param memoryBytes of the node.
 * @returns -997 (Guaranteed), 1000 (BestEffort), or 3 to 999, less the more of the node's memory the container asked for.
 */
export function oomScoreAdj(pod: PodTemplate, container: Container, memoryBytes: number): number {
  const all = allContainers(pod);
  if (all.every(isGuaranteed)) return GUARANTEED;
  if (all.every(asksForNothing)) return BEST_EFFORT;
  const requested = Math.floor((1_000 * (container.resources.requests.memoryBytes ?? 0)) / Math.max(memoryBytes, 1));
  return Math.min(Math.max(BEST_EFFORT - requested, 1_000 + GUARANTEED), BEST_EFFORT - 1);
}

function isGuaranteed({ resources: { requests, limits } }: Container): boolean {
  const { cpuMillis, memoryBytes } = limits;
  if (cpuMillis === null || memoryBytes === null) return false;
  return requests.cpuMillis === cpuMillis && requests.memoryBytes === memoryBytes;
}

function asksForNothing({ resources: { requests, limits } }: Container): boolean {
  return [requests.cpuMillis, requests.memoryBytes, limits.cpuMillis, limits.memoryBytes].every(
    (each) => each === null,
  );
}
