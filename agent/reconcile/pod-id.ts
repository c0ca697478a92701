import type { Workload } from '../../manifests/index.ts';

const IDENTITY_CHARS = 12;

/**
 * The id of one pod, the same on every run: `namespace_name_replica_identity`.
 * Underscores cannot occur in the names, so no two pods share an id.
 */
export function podId(workload: Pick<Workload, 'namespace' | 'name'>, replica: number, identity: string): string {
  const digest = identity.slice(identity.indexOf(':') + 1, identity.indexOf(':') + 1 + IDENTITY_CHARS);
  return `${workload.namespace}_${workload.name}_${replica}_${digest}`;
}

/** @returns the replica a pod's id names. */
export function replicaOf(podId: string): number {
  return Number(podId.split('_')[2]);
}
