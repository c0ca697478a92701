import type { KeyedSource, ProjectedVolume } from '../../manifests/index.ts';
import { MaterialError } from './errors.ts';
import type { Material } from './material.ts';
import { fieldText, type PodFacts } from './pod-facts.ts';

/** A file of a projected volume. */
export interface ProjectedFile {
  /** Relative to the volume's root. */
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/**
 * @returns the files of a volume as its sources have them now, sorted by path; a later source wins.
 * @throws MaterialError `material` for what is not there and not optional. The message names no value.
 */
export function projectedFiles(volume: ProjectedVolume, facts: PodFacts, material: Material): readonly ProjectedFile[] {
  const files = new Map<string, ProjectedFile>();
  for (const source of volume.sources) {
    const found = source.type === 'downwardAPI' ? podFiles(source.items, facts) : keyFiles(source, facts, material);
    for (const { path, mode, bytes } of found) files.set(path, { path, mode: mode ?? volume.defaultMode, bytes });
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

type SourceFile = Omit<ProjectedFile, 'mode'> & { readonly mode: number | null };

type PodItems = Extract<ProjectedVolume['sources'][number], { type: 'downwardAPI' }>['items'];

function podFiles(items: PodItems, facts: PodFacts): readonly SourceFile[] {
  return items.map(({ path, mode, field }) => ({ path, mode, bytes: Buffer.from(fieldText(field, facts)) }));
}

function keyFiles(source: KeyedSource, facts: PodFacts, material: Material): readonly SourceFile[] {
  const { type, name, isOptional } = source;
  const kind = type === 'secret' ? 'Secret' : 'ConfigMap';
  const values = material.values(kind, facts.namespace, name);
  if (values === null) {
    if (isOptional) return [];
    throw new MaterialError('material', `${kind} ${facts.namespace}/${name} is not in the commit the pod is made from`);
  }
  const items = source.items ?? values.keys.map((key) => ({ key, path: key, mode: null }));
  return items.flatMap(({ key, path, mode }) => {
    const bytes = values.get(key);
    if (bytes !== undefined) return [{ path, mode, bytes }];
    if (isOptional) return [];
    throw new MaterialError('material', `${kind} ${facts.namespace}/${name} has no key ${key}`);
  });
}
