import type { LocatedResource, LocatedWorkload } from './origin.ts';
import type { ImagePolicy } from './resource.ts';
import { hasLabels } from './values/label-selector.ts';
import type { StringMap } from './workload.ts';

/** @returns the workloads whose every `nodeSelector` entry equals the node's own label, in the order given. */
export function selectForNode(
  workloads: readonly LocatedWorkload[],
  nodeLabels: StringMap,
): readonly LocatedWorkload[] {
  return workloads.filter(({ workload }) => hasLabels(nodeLabels, workload.nodeSelector));
}

/** @returns the ImagePolicies whose every `nodeSelector` entry equals the node's own label. */
export function imagePoliciesForNode(
  resources: readonly LocatedResource[],
  nodeLabels: StringMap,
): readonly ImagePolicy[] {
  return resources.flatMap(({ resource }) =>
    resource.kind === 'ImagePolicy' && hasLabels(nodeLabels, resource.nodeSelector) ? [resource] : [],
  );
}
