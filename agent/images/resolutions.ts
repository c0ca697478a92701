import pLimit from 'p-limit';
import { digestOf } from './digest.ts';
import type { VerifiedEvidence } from './evidence.ts';
import { describeEvidence } from './facts/describe-evidence.ts';
import type { ImageLayer } from './image-chain.ts';
import type { ImageDemand, ResolvedImage } from './image-source.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import {
  type BareImage,
  type Resolution,
  type ResolveContext,
  resolveAgain,
  resolveFromRegistry,
  resolveFromStore,
  targetOf,
} from './resolve-image.ts';
import type { TrustedKey } from './signature/trusted-key.ts';
import { unmetDemands } from './signature/unmet-demands.ts';
import { hasAuthorities, type Trust, vouchForImage } from './signature/vouch-for-image.ts';
import type { ImageStore } from './store/image-store.ts';
import type { ReferenceRecord } from './store/reference-records.ts';

/** An image that too few vouch for is looked at again after this time: signing comes after pushing. */
const UNSIGNED_FOR_MS = 30_000;
/** Signatures of one image that are remembered; a registry that loses some must not make a node forget them. */
const MOST_EVIDENCE = 256;

/** What is kept in memory of an image: read from its documents by this process. */
export interface KnownImage {
  readonly image: BareImage;
  /** `os/architecture`, and the variant where there is one. */
  readonly platform: string;
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
  /** Digests of the documents and signatures in the store. */
  readonly blobs: readonly string[];
}

/** References and what they were resolved to. The records on disk are the truth. */
export class Resolutions {
  readonly #context: ResolveContext;
  readonly #keys: readonly TrustedKey[];
  readonly #store: ImageStore;
  readonly #known = new Map<string, KnownImage>();
  /** When signatures of a reference were last looked for, on the monotonic clock, ms. */
  readonly #askedAt = new Map<string, number>();
  /** When a digest was last given as an answer, on the monotonic clock, ms. */
  readonly #answeredAt = new Map<string, number>();
  /** Writing a record with its blobs and sweeping what no record speaks for exclude each other. */
  readonly #exclusive = pLimit(1);

  constructor(context: ResolveContext, store: ImageStore, keys: readonly TrustedKey[]) {
    this.#context = context;
    this.#store = store;
    this.#keys = keys;
  }

  /**
   * From memory, else from disk, else from the registry; signatures are verified each time. Where too few vouch for the
   * image they are soon looked for again.
   * @throws ImageError
   */
  async resolve(reference: string, { onceFor, policies = [] }: ImageDemand = {}): Promise<ResolvedImage> {
    const trust = { keys: this.#keys, policies };
    const { record, known } = await this.#find(reference, onceFor ?? null, trust);
    const image = await this.#vouch(record, known.image, trust);
    this.#answeredAt.set(image.facts.digest, performance.now());
    if (this.#isWanting(record, image, trust)) this.#lookAgainLater(record);
    return image;
  }

  /** Resolves anew, whatever is known, and pins the answer. @param client where to look. @throws ImageError */
  async fetch(reference: string, client: RegistryClient, tagOrDigest: string | null): Promise<BareImage> {
    // A commit may ask for signatures when the registry, or the disk they came on, is far away.
    const wish = this.#keys.length > 0 ? 'needed' : 'welcome';
    const found = await resolveFromRegistry({ ...this.#context, client }, reference, wish, tagOrDigest);
    await this.#keep({ ...found, record: { ...found.record, isPinned: true } });
    return found.image;
  }

  /** @returns what a reference led to before, or null when that is not kept any more. */
  async recall(reference: string, digest: string, { policies = [] }: ImageDemand = {}): Promise<ResolvedImage | null> {
    const { target, parsed } = targetOf(reference);
    const trust = { keys: this.#keys, policies };
    for (const { reference: name } of this.recordsOf(digest)) {
      const record = this.#store.references.get(name);
      if (record?.registry !== target.registry || record.repository !== target.repository) continue;
      const known = await this.read(record);
      if (!known) continue;
      const { facts, ...image } = await this.#vouch(await this.#withEvidence(record, trust), known.image, trust);
      return { ...image, reference, facts: { ...facts, pinnedDigest: parsed.digest } };
    }
    return null;
  }

  /** Verifies, from the store, who vouches for an image that a record leads to, for the keys of the node alone. */
  async vouchersOf(record: ReferenceRecord, known: KnownImage): Promise<ResolvedImage> {
    return this.#vouch(record, known.image, { keys: this.#keys, policies: [] });
  }

  /** @returns what a record leads to, offline, or null when the store lacks a part of it. */
  async read(record: ReferenceRecord): Promise<KnownImage | null> {
    const known = this.#known.get(record.reference);
    if (known) return known;
    const resolution = await resolveFromStore(this.#context, record);
    if (!resolution) return null;
    const read = remember(resolution);
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
      this.#askedAt.delete(reference);
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

  async #find(reference: string, onceFor: string | null, trust: Trust): Promise<Stored> {
    const record = this.#store.references.get(reference);
    const known = record && (await this.read(record));
    if (!record || !known) return this.#resolveAnew(reference, onceFor, trust);
    const current =
      onceFor !== null && record.freshFor !== onceFor
        ? await this.#refresh(record, known, onceFor, trust)
        : { record, known };
    return { ...current, record: await this.#withEvidence(current.record, trust) };
  }

  /** Asks only for the digest first: a tag that has not moved costs one HEAD request. A digest never moves. */
  async #refresh(record: ReferenceRecord, known: KnownImage, onceFor: string, trust: Trust): Promise<Stored> {
    const { target, parsed } = targetOf(record.reference);
    if (parsed.digest !== null) return { record, known };
    const now = await this.#context.client.digest(target, parsed.tag ?? 'latest');
    if (now !== record.topDigest) return this.#resolveAnew(record.reference, onceFor, trust);
    const fresh = { ...record, freshFor: onceFor };
    await this.#exclusive(() => this.#store.references.put(fresh));
    return { record: fresh, known };
  }

  async #resolveAnew(reference: string, onceFor: string | null, trust: Trust): Promise<Stored> {
    const { registry, repository } = targetOf(reference).target;
    const wish = hasAuthorities(trust, `${registry}/${repository}`) ? 'needed' : 'none';
    const found = await resolveFromRegistry(this.#context, reference, wish);
    if (wish === 'needed') this.#askedAt.set(reference, performance.now());
    return this.#keep({ ...found, record: { ...found.record, freshFor: onceFor } });
  }

  /** Blobs first: a record never speaks of what is not there. What a tag led to before stays known by its digest. */
  async #keep(resolution: Resolution): Promise<Stored> {
    const { reference } = resolution.record;
    return this.#exclusive(async () => {
      const before = this.#store.references.get(reference);
      for (const bytes of resolution.documents) await this.#store.blobs.put(bytes);
      if (before && before.digest !== resolution.record.digest) await this.#keepByDigest(before);
      const isPinned = resolution.record.isPinned || (before?.isPinned ?? false);
      const record = { ...withOlder(resolution.record, before), isPinned };
      await this.#store.references.put(record);
      const known = remember({ ...resolution, record });
      this.#known.set(reference, known);
      return { record, known };
    });
  }

  async #keepByDigest(record: ReferenceRecord): Promise<void> {
    const reference = `${record.registry}/${record.repository}@${record.topDigest}`;
    if (this.#store.references.get(reference)) return;
    await this.#store.references.put({ ...record, reference, isPinned: false, freshFor: null });
  }

  async #vouch(record: ReferenceRecord, { facts, ...image }: BareImage, trust: Trust): Promise<ResolvedImage> {
    const evidence = await vouchForImage(record, this.#store.blobs, trust);
    const told = describeEvidence(evidence, [facts.topDigest, facts.digest]);
    return { ...image, evidence, facts: { ...facts, signedBy: signersOf(evidence, trust), ...told } };
  }

  #isWanting({ registry, repository }: ReferenceRecord, { evidence, facts }: ResolvedImage, trust: Trust): boolean {
    const image = { repository: `${registry}/${repository}`, evidence };
    if (!hasAuthorities(trust, image.repository)) return false;
    return (
      (trust.keys.length > 0 && facts.signedBy.length === 0) ||
      unmetDemands(trust.policies, image, Date.now()).length > 0
    );
  }

  /** Signatures that nobody asked for before are asked for now; without an answer there are none for the time being. */
  async #withEvidence(record: ReferenceRecord, trust: Trust): Promise<ReferenceRecord> {
    const isWanted = record.evidenceAt === null && hasAuthorities(trust, `${record.registry}/${record.repository}`);
    if (!isWanted || !this.#mayAsk(record)) return record;
    return (await this.#lookForEvidence(record)) ?? record;
  }

  /** Goes on beside the answer, which a registry that is slow or gone must not hold up; the next one profits. */
  #lookAgainLater(record: ReferenceRecord): void {
    if (this.#mayAsk(record)) void this.#lookForEvidence(record);
  }

  #mayAsk({ reference }: ReferenceRecord): boolean {
    const askedAt = this.#askedAt.get(reference) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - askedAt <= UNSIGNED_FOR_MS) return false;
    this.#askedAt.set(reference, performance.now());
    return true;
  }

  async #lookForEvidence(record: ReferenceRecord): Promise<ReferenceRecord | null> {
    const found = await resolveAgain(this.#context, record).catch(() => null);
    if (!found || this.#store.references.get(record.reference) !== record) return null;
    const { freshFor, resolvedAt } = record;
    const kept = await this.#keep({ ...found, record: { ...found.record, freshFor, resolvedAt } }).catch(() => null);
    return kept?.record ?? null;
  }
}

interface Stored {
  readonly record: ReferenceRecord;
  readonly known: KnownImage;
}

function remember({ image, chain, documents, record }: Resolution): KnownImage {
  const { os, architecture, variant } = chain.config;
  const platform = [os, architecture, variant].filter(Boolean).join('/');
  const vouchers = record.evidence.flatMap(({ payload, beside }) => (beside === null ? [payload] : [payload, beside]));
  return { image, platform, layers: chain.layers, blobs: [...documents.map(digestOf), ...vouchers] };
}

/** What was found before stays: whoever may write to a registry may remove signatures, too. */
function withOlder(record: ReferenceRecord, before: ReferenceRecord | null): ReferenceRecord {
  if (before?.topDigest !== record.topDigest || before.digest !== record.digest) return record;
  const nameOf = ({ payload, signature, beside }: ReferenceRecord['evidence'][number]): string =>
    `${payload} ${signature} ${beside}`;
  const found = new Set(record.evidence.map(nameOf));
  const older = before.evidence.filter((evidence) => !found.has(nameOf(evidence)));
  const evidenceAt = record.evidenceAt ?? before.evidenceAt;
  return { ...record, evidenceAt, evidence: [...record.evidence, ...older].slice(0, MOST_EVIDENCE) };
}

/**
 * What policies see as `signedBy`: keys of the agent's configuration by their names. Only a node without any leaves it to
 * the commit who signs; else a commit could name a key of its own to those who wrote the policies.
 */
function signersOf({ signatures }: VerifiedEvidence, { keys }: Trust): readonly string[] {
  const names = new Set(keys.map(({ name }) => name));
  const counted = signatures.filter(({ authority }) => keys.length === 0 || names.has(authority));
  return [...new Set(counted.map(({ authority }) => authority))].sort();
}
