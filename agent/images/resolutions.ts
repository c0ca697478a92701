import pLimit from 'p-limit';
import { digestOf } from './digest.ts';
import type { ImageLayer } from './image-chain.ts';
import type { Freshness, ResolvedImage } from './image-source.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import {
  type Resolution,
  type ResolveContext,
  resolveAgain,
  resolveFromRegistry,
  resolveFromStore,
  targetOf,
} from './resolve-image.ts';
import type { ImageStore } from './store/image-store.ts';
import type { ReferenceRecord } from './store/reference-records.ts';

/** An image that no trusted key has signed is looked at again after this time: signing comes after pushing. */
const UNSIGNED_FOR_MS = 30_000;

/** What is kept in memory of an image: read from its documents and verified by this process. */
export interface KnownImage {
  readonly image: ResolvedImage;
  /** `os/architecture`, and the variant where there is one. */
  readonly platform: string;
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
  /** When a digest was last given as an answer, on the monotonic clock, ms. */
  readonly #answeredAt = new Map<string, number>();
  /** Writing a record with its blobs and sweeping what no record speaks for exclude each other. */
  readonly #exclusive = pLimit(1);

  constructor(context: ResolveContext, store: ImageStore) {
    this.#context = context;
    this.#store = store;
  }

  /** From memory, else from disk, else from the registry. Without a trusted signature it is soon looked for again. @throws ImageError */
  async resolve(reference: string, freshness?: Freshness): Promise<ResolvedImage> {
    const image = await this.#answer(reference, freshness?.onceFor ?? null);
    this.#answeredAt.set(image.facts.digest, performance.now());
    return image;
  }

  /** Resolves anew, whatever is known, and pins the answer. @param client where to look. @throws ImageError */
  async fetch(reference: string, client: RegistryClient, tagOrDigest: string | null): Promise<ResolvedImage> {
    const found = await resolveFromRegistry({ ...this.#context, client }, reference, tagOrDigest);
    return this.#keep({ ...found, record: { ...found.record, isPinned: true } });
  }

  /** @returns what a reference led to before, offline, or null when that is not kept any more. */
  async recall(reference: string, digest: string): Promise<ResolvedImage | null> {
    const { target, parsed } = targetOf(reference);
    for (const record of this.recordsOf(digest)) {
      if (record.registry !== target.registry || record.repository !== target.repository) continue;
      const known = await this.read(record);
      if (!known) continue;
      const { facts } = known.image;
      return { ...known.image, reference, facts: { ...facts, pinnedDigest: parsed.digest } };
    }
    return null;
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

  /** @returns whether a digest was given as an answer within this time: whoever asked may be about to use it. */
  wasAnsweredWithin(digest: string, ms: number): boolean {
    return performance.now() - (this.#answeredAt.get(digest) ?? Number.NEGATIVE_INFINITY) < ms;
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
      const used = { blobs: new Set<string>(), layers: new Set<string>(), packed: new Set<string>() };
      for (const record of this.#store.references.all()) {
        const known = await this.read(record).catch(() => null);
        if (!known) return;
        for (const digest of known.blobs) used.blobs.add(digest);
        for (const { diffId, descriptor } of known.layers) {
          used.layers.add(diffId);
          if (!(await this.#store.layers.has(diffId))) used.packed.add(descriptor.digest);
        }
      }
      if (!this.#store.references.hasDamaged()) await this.#store.sweep(used);
    });
  }

  async #answer(reference: string, onceFor: string | null): Promise<ResolvedImage> {
    const record = this.#store.references.get(reference);
    const known = record && (await this.read(record));
    if (!record || !known) return this.#keep(fresh(await resolveFromRegistry(this.#context, reference), onceFor));
    if (onceFor !== null && record.freshFor !== onceFor) return this.#refresh(record, known.image, onceFor);
    const isSigned = this.#context.trustedKeys.length === 0 || known.image.facts.signedBy.length > 0;
    if (!isSigned && performance.now() - known.askedAt > UNSIGNED_FOR_MS) {
      this.#known.set(reference, { ...known, askedAt: performance.now() });
      void this.#lookForSignatures(record);
    }
    return known.image;
  }

  /** Asks only for the digest first: a tag that has not moved costs one HEAD request. A digest never moves. */
  async #refresh(record: ReferenceRecord, image: ResolvedImage, onceFor: string): Promise<ResolvedImage> {
    const { target, parsed } = targetOf(record.reference);
    if (parsed.digest !== null) return image;
    const now = await this.#context.client.digest(target, parsed.tag ?? 'latest');
    if (now !== record.topDigest)
      return this.#keep(fresh(await resolveFromRegistry(this.#context, record.reference), onceFor));
    await this.#exclusive(() => this.#store.references.put({ ...record, freshFor: onceFor }));
    return image;
  }

  /** Blobs first: a record never speaks of what is not there. What a tag led to before stays known by its digest. */
  async #keep(resolution: Resolution): Promise<ResolvedImage> {
    const { reference } = resolution.record;
    await this.#exclusive(async () => {
      const before = this.#store.references.get(reference);
      for (const bytes of resolution.documents) await this.#store.blobs.put(bytes);
      if (before && before.digest !== resolution.record.digest) await this.#keepByDigest(before);
      const isPinned = resolution.record.isPinned || (before?.isPinned ?? false);
      await this.#store.references.put({ ...resolution.record, isPinned });
      this.#known.set(reference, remember(resolution, performance.now()));
    });
    return resolution.image;
  }

  async #keepByDigest(record: ReferenceRecord): Promise<void> {
    const reference = `${record.registry}/${record.repository}@${record.topDigest}`;
    if (this.#store.references.get(reference)) return;
    await this.#store.references.put({ ...record, reference, isPinned: false, freshFor: null });
  }

  /** Goes on beside the answer, which a registry that is slow or gone must not hold up; the next one profits. */
  async #lookForSignatures(record: ReferenceRecord): Promise<void> {
    const found = await resolveAgain(this.#context, record).catch(() => null);
    const isStill = this.#store.references.get(record.reference) === record;
    if (isStill && found && found.record.evidence.length > 0) {
      await this.#keep({ ...found, record: { ...found.record, freshFor: record.freshFor } }).catch(() => null);
    }
  }
}

function remember({ image, chain, documents }: Resolution, askedAt: number): KnownImage {
  const { os, architecture, variant } = chain.config;
  const platform = [os, architecture, variant].filter(Boolean).join('/');
  return { image, platform, layers: chain.layers, blobs: documents.map(digestOf), askedAt };
}

function fresh(resolution: Resolution, onceFor: string | null): Resolution {
  return { ...resolution, record: { ...resolution.record, freshFor: onceFor } };
}
