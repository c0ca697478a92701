import { join } from 'node:path';
import { digestOf, hexOf } from '../digest.ts';

/** Where things are below `<stateDir>/images`; all of it is 0700, and made by one agent only. */
export interface StorePaths {
  readonly root: string;
  /** Manifests, indexes, configs and signatures, each by its digest. Packed layers are not kept. */
  readonly blobs: string;
  /** Unpacked layers, each by its diffID. */
  readonly layers: string;
  /** What each unpacked layer consists of, by its diffID: what it is verified against. */
  readonly inventories: string;
  /** Layers that were found changed, kept for the containers that still run on them: `<diffID>.<time>.<random>`. */
  readonly retired: string;
  /** Packed layers as far as they have arrived, each by its digest. They outlive the agent. */
  readonly partials: string;
  /** What a reference was resolved to, each by the digest of the reference's text. */
  readonly references: string;
  /** Layers on their way in or out. Emptied at start. */
  readonly temporary: string;
  blob(digest: string): string;
  layer(diffId: string): string;
  inventory(diffId: string): string;
  partial(digest: string): string;
  reference(reference: string): string;
}

/** @returns the paths of the store below an agent's state directory. */
export function storePaths(stateDir: string): StorePaths {
  const root = join(stateDir, 'images');
  const [blobs, layers, references] = [join(root, 'blobs', 'sha256'), join(root, 'layers'), join(root, 'references')];
  const [inventories, partials] = [join(root, 'inventories'), join(root, 'partials')];
  return {
    root,
    blobs,
    layers,
    inventories,
    retired: join(root, 'retired'),
    partials,
    references,
    temporary: join(root, 'tmp'),
    blob: (digest) => join(blobs, hexOf(digest)),
    layer: (diffId) => join(layers, hexOf(diffId)),
    inventory: (diffId) => join(inventories, hexOf(diffId)),
    partial: (digest) => join(partials, hexOf(digest)),
    reference: (reference) => join(references, `${hexOf(digestOf(Buffer.from(reference)))}.json`),
  };
}
