import type { LayerFinding } from '../image-admin.ts';
import { ImageError } from '../image-source.ts';
import type { Resolutions } from '../resolutions.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Pace } from './pace.ts';
import { verifyLayer } from './verify-layer.ts';

/** Verifies stored layers again, long after they were unpacked. */
export interface LayerCheck {
  /** @returns diffIDs of the layers on disk that images are made of. @param digest of one image, or null for all. */
  layers(digest: string | null): Promise<readonly string[]>;
  /**
   * Holds one layer to its inventory. A changed one that is to be repaired is set aside first, so that nothing starts
   * on it, and then pulled again; containers that run on it keep what they have.
   * @returns null when the layer went away meanwhile. @throws ImageError, or AbortError by the pace
   */
  verify(diffId: string, pace: Pace, repair: 'repair' | 'report'): Promise<LayerFinding | null>;
  /** Tries again to pull what was set aside and could not be replaced then. Never rejects. */
  repairRetired(): Promise<void>;
}

/** What checking layers needs. */
export interface LayerCheckParts {
  readonly resolutions: Resolutions;
  readonly store: ImageStore;
  readonly pull: (digest: string) => Promise<void>;
}

/** Makes a check over a store. */
export function createLayerCheck({ resolutions, store, pull }: LayerCheckParts): LayerCheck {
  const imagesOf = async (diffId: string): Promise<readonly string[]> => {
    const digests = new Set<string>();
    for (const record of store.references.all()) {
      const known = await resolutions.read(record).catch(() => null);
      if (known?.layers.some((layer) => layer.diffId === diffId)) digests.add(record.digest);
    }
    return [...digests].sort();
  };
  const repairFrom = async (images: readonly string[]): Promise<string | null> => {
    let failure = 'no image is made of it any more';
    for (const digest of images) {
      const error = await pull(digest).then(
        () => null,
        (cause: Error) => cause,
      );
      if (error === null) return null;
      failure = error.message;
    }
    return failure;
  };
  return {
    layers: async (digest) => {
      const found = new Set<string>();
      for (const record of store.references.all()) {
        if (digest !== null && record.digest !== digest) continue;
        const known = await resolutions.read(record).catch(() => null);
        for (const { diffId } of known?.layers ?? []) if (await store.layers.has(diffId)) found.add(diffId);
      }
      return [...found].sort();
    },
    verify: async (diffId, pace, repair) => {
      const { paths, layers } = store;
      if (!(await layers.has(diffId))) return null;
      const verdict = await verifyLayer(paths.layer(diffId), paths.inventory(diffId), pace).catch((cause: Error) => {
        if (cause.name === 'AbortError') throw cause;
        throw new ImageError('store', diffId, `layer ${diffId} cannot be read: ${cause.message}`, { cause });
      });
      const images = await imagesOf(diffId);
      // What was removed, or replaced by a new unpacking, while it was read is not damaged.
      if (!(await layers.has(diffId))) return null;
      if (verdict.state !== 'damaged' || repair === 'report')
        return { diffId, images, verdict, isRepaired: false, failure: null };
      await layers.retire(diffId);
      const failure = await repairFrom(images);
      return { diffId, images, verdict, isRepaired: failure === null, failure };
    },
    repairRetired: async () => {
      for (const { diffId } of await store.layers.retired().catch(() => [])) {
        if (!(await store.layers.has(diffId))) await repairFrom(await imagesOf(diffId));
      }
    },
  };
}
