import { type LocatedResource, type LocatedWorkload, locate, type Origin, type Problem } from './origin.ts';
import { type Resource, resourceKey } from './resource.ts';
import { nearest } from './text/nearest.ts';
import { quoted } from './text/quoted.ts';
import type { KeyedSource } from './volume.ts';
import { type Container, type Workload, workloadKey } from './workload.ts';

/** A mention of a resource in a pod spec. */
interface Reference {
  readonly kind: Resource['kind'];
  readonly name: string;
  /** Null needs the object alone. */
  readonly key: string | null;
  readonly isOptional: boolean;
  /** Where it may be written, in the pod spec: one of these is. */
  readonly fields: readonly string[];
}

/**
 * Finds what workloads refer to and the revision does not declare: a pod would wait for it for ever. What is optional
 * may be missing.
 */
export function checkReferences(
  workloads: readonly LocatedWorkload[],
  resources: readonly LocatedResource[],
): readonly Problem[] {
  const declared = new Map(resources.map(({ resource }) => [resourceKey(resource), resource]));
  return [
    ...workloads.flatMap(({ workload, origin }) =>
      referencesOf(workload).flatMap((reference) => complain(reference, workload, origin, declared)),
    ),
    ...sharedClaims(workloads, declared),
  ];
}

function complain(
  { kind, name, key, isOptional, fields }: Reference,
  { namespace }: Workload,
  origin: Origin,
  declared: ReadonlyMap<string, Resource>,
): readonly Problem[] {
  const found = declared.get(resourceKey({ kind, namespace, name }));
  if (isOptional) return [];
  if (!found) {
    // The object is missed once, not with each of its keys again.
    if (key !== null && fields.some((field) => field.endsWith('.key'))) return [];
    const others = [...declared.values()].filter((other) => other.kind === kind && other.namespace === namespace);
    const message = `there is no ${kind} ${quoted(name)} in namespace ${quoted(namespace)}; ${hint(name, others)}`;
    return [{ ...placeOf(origin, fields), message }];
  }
  if (key === null || !('values' in found) || found.values.keys.includes(key)) return [];
  const meant = nearest(key, found.values.keys);
  const advice = meant === null ? 'add it there, or make it `optional`' : `did you mean ${quoted(meant)}?`;
  const keyFields = fields.map((field) => field.replace(/\.name$/, '.key'));
  return [{ ...placeOf(origin, keyFields), message: `${kind} ${quoted(name)} has no key ${quoted(key)}; ${advice}` }];
}

function hint(name: string, others: readonly Resource[]): string {
  const meant = nearest(
    name,
    others.map((other) => other.name),
  );
  return meant === null ? 'add it to the fleet' : `did you mean ${quoted(meant)}?`;
}

/** The first of the fields that was written. */
function placeOf(origin: Origin, fields: readonly string[]): Omit<Problem, 'message'> {
  const written = fields.find((field) => origin.positions[`${origin.podPath}.${field}`]) ?? fields[0] ?? '';
  return locate(origin, written);
}

function referencesOf({ pod }: Workload): readonly Reference[] {
  const volumes = pod.volumes.flatMap((volume, index): readonly Reference[] => {
    const at = `volumes[${index}]`;
    if (volume.type === 'persistentVolumeClaim') {
      const fields = [`${at}.persistentVolumeClaim.claimName`];
      return [{ kind: 'PersistentVolumeClaim', name: volume.claimName, key: null, isOptional: false, fields }];
    }
    if (volume.type !== 'projected') return [];
    return volume.sources.flatMap((source, nth) =>
      source.type === 'downwardAPI' ? [] : keyedReferences(source, [at, `${at}.projected.sources[${nth}]`]),
    );
  });
  const lists = { initContainers: pod.initContainers, containers: pod.containers };
  const variables = Object.entries(lists).flatMap(([list, containers]) =>
    containers.flatMap((container, index) => variableReferences(container, `${list}[${index}]`)),
  );
  return [...volumes, ...variables];
}

/** @param at where the source may be: in a volume of its own kind, or in a projected one. */
function keyedReferences({ type, name, items, isOptional }: KeyedSource, at: readonly string[]): readonly Reference[] {
  const kind = type === 'secret' ? 'Secret' : 'ConfigMap';
  const own = type === 'secret' ? 'secretName' : 'name';
  const [plain, projected] = at;
  const object = { kind, name, isOptional } as const;
  const whole: Reference = {
    ...object,
    key: null,
    fields: [`${plain}.${type}.${own}`, `${projected}.${type}.name`],
  };
  const keys = (items ?? []).map(
    ({ key }, index): Reference => ({
      ...object,
      key,
      fields: at.map((start) => `${start}.${type}.items[${index}].key`),
    }),
  );
  return [whole, ...keys];
}

function variableReferences({ env, envFrom }: Pick<Container, 'env' | 'envFrom'>, at: string): readonly Reference[] {
  const single = env.flatMap(({ valueFrom }, index): readonly Reference[] => {
    if (valueFrom?.type !== 'secretKey' && valueFrom?.type !== 'configMapKey') return [];
    const { type, name, key, isOptional } = valueFrom;
    const kind = type === 'secretKey' ? 'Secret' : 'ConfigMap';
    return [{ kind, name, key, isOptional, fields: [`${at}.env[${index}].valueFrom.${type}Ref.name`] }];
  });
  const many = envFrom.map(({ type, name, isOptional }, index): Reference => {
    const kind = type === 'secret' ? 'Secret' : 'ConfigMap';
    return { kind, name, key: null, isOptional, fields: [`${at}.envFrom[${index}].${type}Ref.name`] };
  });
  return [...single, ...many];
}

/** A claim for one pod cannot have more: the second would wait for ever. */
function sharedClaims(
  workloads: readonly LocatedWorkload[],
  declared: ReadonlyMap<string, Resource>,
): readonly Problem[] {
  const owners = new Map<string, Workload>();
  return workloads.flatMap(({ workload, origin }) =>
    workload.pod.volumes.flatMap((volume, index): readonly Problem[] => {
      if (volume.type !== 'persistentVolumeClaim') return [];
      const { namespace } = workload;
      const key = resourceKey({ kind: 'PersistentVolumeClaim', namespace, name: volume.claimName });
      const claim = declared.get(key);
      if (claim?.kind !== 'PersistentVolumeClaim' || !claim.isForOnePod) return [];
      const place = placeOf(origin, [`volumes[${index}].persistentVolumeClaim.claimName`]);
      const owner = owners.get(key);
      owners.set(key, workload);
      if (owner !== undefined && owner !== workload) {
        const message = `claim ${quoted(volume.claimName)} is for one pod and ${quoted(workloadKey(owner))} uses it too`;
        return [{ ...place, message: `${message}; make it \`ReadWriteOnce\`` }];
      }
      if (workload.replicas <= 1 && workload.update.type === 'Recreate') return [];
      const message = `claim ${quoted(volume.claimName)} is for one pod; have one replica with strategy \`Recreate\`, or make it \`ReadWriteOnce\``;
      return [{ ...place, message }];
    }),
  );
}
