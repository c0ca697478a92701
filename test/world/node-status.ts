import type { NodeStatus } from '../../manifests/index.ts';

/** @returns the process ids of the running containers of a status, by pod and container. */
export function runningPids(status: NodeStatus): Readonly<Record<string, number>> {
  const pids: Record<string, number> = {};
  for (const pod of status.workloads.flatMap((workload) => workload.pods)) {
    for (const { name, pid } of pod.containers) if (pid !== null) pids[`${pod.id}/${name}`] = pid;
  }
  return pids;
}

/** @returns whether a condition of a status holds. */
export function holds(status: NodeStatus, type: NodeStatus['conditions'][number]['type']): boolean {
  return status.conditions.some((condition) => condition.type === type && condition.status === 'True');
}
