import { parseManifests } from '../../manifests/index.ts';
import type { Source } from '../source/index.ts';
import { MaterialError } from './errors.ts';
import { type Material, materialOf } from './material.ts';

/**
 * The material of the revisions that may run here. Nothing of it is kept on a disk: that of an older revision, which a
 * last good version may need, is read again from its signed commit in the local copy of the repository.
 */
export interface MaterialStore {
  /** Keeps what a revision declares; only the newest one is kept so. */
  take(revision: string, resources: Parameters<typeof materialOf>[0]): void;
  /** @throws MaterialError `material` when the revision is neither kept nor in the local copy. */
  at(revision: string): Promise<Material>;
}

/** Revisions read again and remembered, besides the newest. */
const MOST_OLDER = 4;

/** Makes a store that knows nothing yet. */
export function createMaterialStore(source: Pick<Source, 'read'>): MaterialStore {
  let newest: { readonly revision: string; readonly material: Material } | null = null;
  const older = new Map<string, Promise<Material>>();
  return {
    take: (revision, resources) => {
      newest = { revision, material: materialOf(resources) };
    },
    at: (revision) => {
      if (newest?.revision === revision) return Promise.resolve(newest.material);
      const known = older.get(revision);
      if (known) return known;
      const reading = read(source, revision);
      older.set(revision, reading);
      reading.catch(() => older.delete(revision));
      const [oldest] = older.keys();
      if (older.size > MOST_OLDER && oldest !== undefined) older.delete(oldest);
      return reading;
    },
  };
}

async function read(source: Pick<Source, 'read'>, revision: string): Promise<Material> {
  const found = await source.read(revision).catch((error: Error) => {
    throw new MaterialError(
      'material',
      `ConfigMaps and Secrets of commit ${revision} cannot be read: ${error.message}`,
    );
  });
  return materialOf(parseManifests(found.files).resources);
}
