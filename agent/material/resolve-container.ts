import {
  type Container,
  type EnvVar,
  expandVariables,
  isKnownAtStart,
  type KeyedValues,
  type VolumeMount,
} from '../../manifests/index.ts';
import { MaterialError } from './errors.ts';
import type { Material } from './material.ts';
import { fieldText, type PodFacts } from './pod-facts.ts';

/** A container whose variables are all known, and those of them that nobody may write down. */
export interface ResolvedContainer {
  readonly container: Container;
  /** Names of the variables that come from a Secret, or from another of these. */
  readonly secretVariables: readonly string[];
}

/**
 * Resolves what a container knows at its start only: its variables, and what refers to them.
 * @throws MaterialError `material` for what is not there and not optional, `sub-path` for a path that leads elsewhere;
 * either for a part of a Secret where it would be told.
 */
export function resolveContainer(container: Container, facts: PodFacts, material: Material): ResolvedContainer {
  if (!isKnownAtStart(container)) return { container, secretVariables: [] };
  const known = new Map<string, string>();
  const secret = new Set<string>();
  for (const { type, name, prefix, isOptional } of container.envFrom) {
    const values = objectOf(type, { name, isOptional }, facts, material);
    for (const key of values?.keys ?? []) {
      known.set(`${prefix}${key}`, textOf(values?.get(key)));
      if (type === 'secret') secret.add(`${prefix}${key}`);
      else secret.delete(`${prefix}${key}`);
    }
  }
  for (const variable of container.env) {
    const value = variableValue(variable, known, facts, material);
    const isSecret = variable.valueFrom?.type === 'secretKey' || mentions(variable.value, secret);
    if (value === null) continue;
    known.set(variable.name, value);
    if (isSecret) secret.add(variable.name);
    else secret.delete(variable.name);
  }
  // What cannot be run is named in messages.
  if (mentions(container.command?.[0] ?? '', secret))
    throw new MaterialError('material', `container ${container.name}: the program of its command comes from a Secret`);
  const expand = (words: readonly string[] | null): readonly string[] | null =>
    words?.map((word) => expandVariables(word, known)) ?? null;
  const resolved: Container = {
    ...container,
    env: [...known].map(([name, value]) => ({ name, value, valueFrom: null })),
    envFrom: [],
    command: expand(container.command),
    args: expand(container.args),
    volumeMounts: container.volumeMounts.map((mount) => resolveMount(mount, known, secret)),
  };
  return { container: resolved, secretVariables: [...secret] };
}

function mentions(text: string, secret: ReadonlySet<string>): boolean {
  return [...secret].some((name) => text.includes(`$(${name})`));
}

function variableValue(
  { value, valueFrom }: EnvVar,
  known: ReadonlyMap<string, string>,
  facts: PodFacts,
  material: Material,
): string | null {
  if (valueFrom === null) return expandVariables(value, known);
  if (valueFrom.type === 'field' || valueFrom.type === 'resource') return fieldText(valueFrom, facts);
  const { type, name, key, isOptional } = valueFrom;
  const values = objectOf(type === 'secretKey' ? 'secret' : 'configMap', { name, isOptional }, facts, material);
  const bytes = values?.get(key);
  if (bytes !== undefined) return textOf(bytes);
  if (isOptional) return null;
  throw new MaterialError('material', `${facts.namespace}/${name} has no key ${key}`);
}

function objectOf(
  type: 'configMap' | 'secret',
  { name, isOptional }: { readonly name: string; readonly isOptional: boolean },
  { namespace }: PodFacts,
  material: Material,
): KeyedValues | null {
  const kind = type === 'secret' ? 'Secret' : 'ConfigMap';
  const values = material.values(kind, namespace, name);
  if (values !== null || isOptional) return values;
  throw new MaterialError('material', `${kind} ${namespace}/${name} is not in the commit the pod is made from`);
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function resolveMount(
  mount: VolumeMount,
  known: ReadonlyMap<string, string>,
  secret: ReadonlySet<string>,
): VolumeMount {
  const { subPathExpr, mountPath } = mount;
  if (subPathExpr === null) return mount;
  const refuse = (problem: string): MaterialError =>
    new MaterialError('sub-path', `the subPathExpr of mount ${mountPath} ${problem}`);
  // It would be the name of a directory on the disk, and stand in mount tables and messages.
  if (mentions(subPathExpr, secret)) throw refuse('takes a variable from a Secret; name another one');
  const subPath = expandVariables(subPathExpr, known);
  const parts = subPath.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw refuse('gives no plain path below its volume');
  return { ...mount, subPath, subPathExpr: null };
}
