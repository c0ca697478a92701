import { join } from 'node:path';
import { digestOf, hexOf } from '../digest.ts';

/** Where things are below `<stateDir>/images`; all of it is 0700, and made by one agent only. */
export interface StorePaths {
  readonly root: string;
  /** Manifests, indexes, configs and signatures, each by its digest. Packed layers are not kept. */
  readonly blobs: string;
  /** Unpacked layers, each by its diffID. */
  readonly layers: string;
  /** What a reference was resolved to, each by the digest of the reference's text. */
  readonly references: string;
  /** Layers on their way in or out. Emptied at start. */
  readonly temporary: string;
  blob(digest: string): string;
  layer(diffId: string): string;
  reference(reference: string): string;
}

/** @returns the paths of the store below an agent's state directory. */
export function storePaths(stateDir: string): StorePaths {
  const root = join(stateDir, 'images');
  const [blobs, layers, references] = [join(root, 'blobs', 'sha256'), join(root, 'layers'), join(root, 'references')];
  return {
    root,
    blobs,
    layers,
    references,
    temporary: join(root, 'tmp'),
    blob: (digest) => join(blobs, hexOf(digest)),
    layer: (diffId) => join(layers, hexOf(diffId)),
    reference: (reference) => join(references, `${hexOf(digestOf(Buffer.from(reference)))}.json`),
  };
}
