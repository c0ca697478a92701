import { type KeyedValues, type PersistentVolumeClaim, type Resource, resourceKey } from '../../manifests/index.ts';

/** What the workloads of one revision refer to. It is held in memory alone: the values of Secrets are among it. */
export interface Material {
  /** @returns the values of a ConfigMap or Secret, or null when the revision has none of that name. */
  values(kind: 'ConfigMap' | 'Secret', namespace: string, name: string): KeyedValues | null;
  /** @returns a volume claim, or null when the revision has none of that name. */
  claim(namespace: string, name: string): PersistentVolumeClaim | null;
}

/** @returns the resources of a revision by their names. */
export function materialOf(resources: readonly { readonly resource: Resource }[]): Material {
  const byKey = new Map(resources.map(({ resource }) => [resourceKey(resource), resource]));
  return {
    values: (kind, namespace, name) => {
      const found = byKey.get(resourceKey({ kind, namespace, name }));
      return found && 'values' in found ? found.values : null;
    },
    claim: (namespace, name) => {
      const found = byKey.get(resourceKey({ kind: 'PersistentVolumeClaim', namespace, name }));
      return found?.kind === 'PersistentVolumeClaim' ? found : null;
    },
  };
}
