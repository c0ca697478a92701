import { type LocatedResource, type Problem, placeOf } from './origin.ts';
import { type ConfigMap, type Resource, resourceKey, type Secret } from './resource.ts';
import { quoted } from './text/quoted.ts';
import { childPath } from './yaml/field-path.ts';

/**
 * Finds ConfigMaps and Secrets that a revision changes although the one before said that nobody may. One that is gone is
 * bound by nothing: its name may come again in a later revision. No value is told.
 * @param before what the revision that is applied declares.
 */
export function immutableProblems(
  before: readonly LocatedResource[],
  after: readonly LocatedResource[],
): readonly Problem[] {
  const fixed = new Map(
    before.flatMap(({ resource }) =>
      isKeyed(resource) && resource.isImmutable ? [[resourceKey(resource), resource] as const] : [],
    ),
  );
  return after.flatMap((located): readonly Problem[] => {
    const { resource, origin } = located;
    const old = fixed.get(resourceKey(resource));
    if (old === undefined || !isKeyed(resource)) return [];
    const advice = `${resource.kind} ${quoted(resource.name)} is immutable in the revision that is applied: give what is new another name, or remove this one first, and let that be applied`;
    const isWritten = (field: string): boolean => origin.positions[field] !== undefined;
    return changedFields(old, resource).map((fields) => {
      // A key that is gone was below one of the fields that are there.
      const path = fields.find(isWritten) ?? fields.find((field) => isWritten(topOf(field))) ?? fields[0] ?? '';
      return { ...placeOf(origin, path), path, message: `must stay as it is; ${advice}` };
    });
  });
}

function isKeyed(resource: Resource): resource is ConfigMap | Secret {
  return resource.kind === 'ConfigMap' || resource.kind === 'Secret';
}

/** @returns for each change the fields where it may be written. */
function changedFields(old: ConfigMap | Secret, now: ConfigMap | Secret): readonly (readonly string[])[] {
  const keys = [...new Set([...old.values.keys, ...now.values.keys])];
  const changed = keys.filter((key) => !isSame(old.values.get(key), now.values.get(key)));
  return [
    ...(now.isImmutable ? [] : [['immutable']]),
    ...('type' in old && 'type' in now && old.type !== now.type ? [['type']] : []),
    ...changed.map((key) => ['stringData', 'data', 'binaryData'].map((field) => childPath(field, key))),
  ];
}

function topOf(field: string): string {
  return /^\w+/.exec(field)?.[0] ?? '';
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
