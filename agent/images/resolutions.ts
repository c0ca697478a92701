import pLimit from 'p-limit';
import { digestOf } from './digest.ts';
import type { ImageLayer } from './image-chain.ts';
import type { ResolvedImage } from './image-source.ts';
import {
  type Resolution,
  type ResolveContext,
  resolveAgain,
  resolveFromRegistry,
  resolveFromStore,
} from './resolve-image.ts';
import type { ImageStore } from './store/image-store.ts';
import type { ReferenceRecord } from './store/reference-records.ts';

/** An image that no trusted key has signed is looked at again after this time: signing comes after pushing. */
const UNSIGNED_FOR_MS = 30_000;

/** What is kept in memory of an image: read from its documents and verified by this process. */
export interface KnownImage {
  readonly image: ResolvedImage;
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
  /** Digests of the documents and signatures in the store. */
  readonly blobs: readonly string[];
  /** When the registry was last asked for signatures, on the monotonic clock, ms. */
  readonly askedAt: number;
}

/** References and what they were resolved to. The records on disk are the truth. */
export class Resolutions {
  readonly #context: ResolveContext;
  readonly #store: ImageStore;
  readonly #known = new Map<string, KnownImage>();
  /** Writing a record with its blobs and sweeping what no record speaks for exclude each other. */
  readonly #exclusive = pLimit(1);

  constructor(context: ResolveContext, store: ImageStore) {
    this.#context = context;
    this.#store = store;
  }

  /** From memory, else from disk, else from the registry. Without a trusted signature it is soon looked for again. @throws ImageError */
  async resolve(reference: string): Promise<ResolvedImage> {
    const record = this.#store.references.get(reference);
    const known = record && (await this.read(record));
    if (!record || !known) return this.#keep(await resolveFromRegistry(this.#context, reference));
    const isSigned = this.#context.trustedKeys.length === 0 || known.image.facts.signedBy.length > 0;
    if (!isSigned && performance.now() - known.askedAt > UNSIGNED_FOR_MS) {
      this.#known.set(reference, { ...known, askedAt: performance.now() });
      void this.#lookForSignatures(record);
    }
    return known.image;
  }

  /** @returns what a record leads to, offline, or null when the store lacks a part of it. */
  async read(record: ReferenceRecord): Promise<KnownImage | null> {
    const known = this.#known.get(record.reference);
    if (known) return known;
    const resolution = await resolveFromStore(this.#context, record);
    if (!resolution) return null;
    const read = remember(resolution, Number.NEGATIVE_INFINITY);
    this.#known.set(record.reference, read);
    return read;
  }

  /** @returns the records that lead to a manifest, in the order of their references. */
  recordsOf(digest: string): readonly ReferenceRecord[] {
    const records = this.#store.references.all().filter((record) => record.digest === digest);
    return records.sort((a, b) => (a.reference < b.reference ? -1 : 1));
  }

  async forget(reference: string): Promise<void> {
    await this.#exclusive(async () => {
      this.#known.delete(reference);
      await this.#store.references.remove(reference);
    });
  }

  /** Removes what no record speaks for; nothing while it is not known what all the records speak for. */
  async sweep(): Promise<void> {
    await this.#exclusive(async () => {
      const used = { blobs: new Set<string>(), layers: new Set<string>() };
      for (const record of this.#store.references.all()) {
        const known = await this.read(record).catch(() => null);
        if (!known) return;
        for (const digest of known.blobs) used.blobs.add(digest);
        for (const { diffId } of known.layers) used.layers.add(diffId);
      }
      if (!this.#store.references.hasDamaged()) await this.#store.sweep(used);
    });
  }

  /** Blobs first: a record never speaks of what is not there. */
  async #keep(resolution: Resolution): Promise<ResolvedImage> {
    await this.#exclusive(async () => {
      for (const bytes of resolution.documents) await this.#store.blobs.put(bytes);
      await this.#store.references.put(resolution.record);
      this.#known.set(resolution.record.reference, remember(resolution, performance.now()));
    });
    return resolution.image;
  }

  /** Goes on beside the answer, which a registry that is slow or gone must not hold up; the next one profits. */
  async #lookForSignatures(record: ReferenceRecord): Promise<void> {
    const found = await resolveAgain(this.#context, record).catch(() => null);
    const isStill = this.#store.references.get(record.reference) === record;
    if (isStill && found && found.record.evidence.length > 0) await this.#keep(found).catch(() => null);
  }
}

function remember({ image, chain, documents }: Resolution, askedAt: number): KnownImage {
  return { image, layers: chain.layers, blobs: documents.map(digestOf), askedAt };
}
