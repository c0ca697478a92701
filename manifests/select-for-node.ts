import type { LocatedWorkload } from './origin.ts';
import type { StringMap } from './workload.ts';

/** @returns the workloads whose every `nodeSelector` entry equals the node's own label, in the order given. */
export function selectForNode(
  workloads: readonly LocatedWorkload[],
  nodeLabels: StringMap,
): readonly LocatedWorkload[] {
  return workloads.filter(({ workload }) => hasLabels(nodeLabels, workload.nodeSelector));
}

/** @returns whether every entry of `wanted` is among `labels`. */
function hasLabels(labels: StringMap, wanted: StringMap): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}
