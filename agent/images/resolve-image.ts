import { type ImageReference, parseImageReference } from '../../manifests/index.ts';
import { digestOf } from './digest.ts';
import type { Platform } from './documents/platform.ts';
import type { RejectedEvidence } from './evidence.ts';
import { type ContentFacts, describeContent } from './facts/describe-content.ts';
import { type DocumentReader, type ImageChain, readImageChain } from './image-chain.ts';
import { ImageError, type ResolvedImage } from './image-source.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import type { RegistryTarget } from './registry/target.ts';
import { findEvidence } from './signature/find-evidence.ts';
import type { BlobStore } from './store/blob-store.ts';
import type { ReferenceRecord } from './store/reference-records.ts';

/** What resolving needs. */
export interface ResolveContext {
  readonly client: RegistryClient;
  readonly blobs: BlobStore;
  readonly platform: Platform;
}

/** Whether signatures are looked for: not at all, if they can be had, or so that the image fails without an answer. */
export type EvidenceWish = 'none' | 'welcome' | 'needed';

/** What is known of an image whoever vouches for it. */
export type BareImage = Omit<ResolvedImage, 'facts' | 'evidence'> & {
  readonly facts: ContentFacts;
};

/** An image and how it is remembered; `documents` are blobs that the record speaks of. */
export interface Resolution {
  readonly image: BareImage;
  readonly chain: ImageChain;
  readonly record: ReferenceRecord;
  readonly documents: readonly Buffer[];
}

/**
 * Resolves a reference at its registry. Nothing is written.
 * @param wish whether signatures are looked for.
 * @param tagOrDigest what to look for there instead of the tag of the reference; a digest in that always counts.
 * @throws ImageError
 */
export async function resolveFromRegistry(
  context: ResolveContext,
  reference: string,
  wish: EvidenceWish,
  tagOrDigest: string | null = null,
): Promise<Resolution> {
  const { target, parsed } = targetOf(reference);
  return fromRegistry(context, target, parsed.digest ?? tagOrDigest ?? parsed.tag ?? 'latest', wish);
}

/** Looks for signatures once more, for the digest that is known; whatever a tag names by now. @throws ImageError */
export async function resolveAgain(context: ResolveContext, record: ReferenceRecord): Promise<Resolution> {
  return fromRegistry(context, record, record.topDigest, 'needed');
}

/**
 * Reads what was resolved before, offline: every document by digest.
 * @returns null when the store lacks a document, which only the registry can give back.
 */
export async function resolveFromStore(context: ResolveContext, record: ReferenceRecord): Promise<Resolution | null> {
  try {
    const chain = await readImageChain(
      storeReader(context.blobs, record),
      record.topDigest,
      context.platform,
      record.reference,
    );
    if (chain.digest !== record.digest) return null;
    return { chain, image: describeImage(record, chain), record, documents: chain.documents };
  } catch (error) {
    if ((error as Partial<ImageError>).code === 'not-present') return null;
    throw error;
  }
}

/** @returns where a reference leads. @throws ImageError `bad-reference` */
export function targetOf(reference: string): { readonly target: RegistryTarget; readonly parsed: ImageReference } {
  const parsed = parseImageReference(reference);
  if (typeof parsed === 'string') throw new ImageError('bad-reference', reference, parsed);
  return { parsed, target: { reference, registry: parsed.registry, repository: parsed.repository } };
}

async function fromRegistry(
  context: ResolveContext,
  target: RegistryTarget,
  tagOrDigest: string,
  wish: EvidenceWish,
): Promise<Resolution> {
  const { client, platform } = context;
  const reader: DocumentReader = {
    manifest: (which) => client.manifest(target, which),
    blob: (descriptor) => client.blob(target, descriptor),
  };
  const chain = await readImageChain(reader, tagOrDigest, platform, target.reference);
  const found = wish === 'none' ? null : await lookForEvidence(client, target, chain, wish);
  const { evidence = [], rejected = [], blobs = [] } = found ?? {};
  const { reference, registry, repository } = target;
  const { topDigest, digest } = chain;
  return {
    chain,
    image: describeImage(target, chain),
    record: {
      ...{ reference, registry, repository, topDigest, digest, evidence, rejected },
      ...{ isPinned: false, resolvedAt: Date.now(), freshFor: null, evidenceAt: found && Date.now() },
    },
    documents: [...chain.documents, ...blobs],
  };
}

/** As many are told of; a registry may hold any number. */
const MOST_REJECTED = 64;

type FoundEvidence = Pick<ReferenceRecord, 'evidence' | 'rejected'> & { readonly blobs: readonly Buffer[] };

/** All that is found is kept, within its bounds: a commit may name other authorities while the registry is out of reach. */
async function lookForEvidence(
  client: RegistryClient,
  target: RegistryTarget,
  { topDigest, digest }: ImageChain,
  wish: EvidenceWish,
): Promise<FoundEvidence | null> {
  const evidence: ReferenceRecord['evidence'][number][] = [];
  const rejected: RejectedEvidence[] = [];
  const blobs: Buffer[] = [];
  try {
    for await (const found of findEvidence(client, target, [topDigest, digest])) {
      if (found.rejected) {
        rejected.push(found.rejected);
        continue;
      }
      const { scheme, payload, signature, beside } = found.evidence;
      const annotations = Object.keys(beside).length === 0 ? null : Buffer.from(JSON.stringify(beside));
      blobs.push(payload, ...(annotations ? [annotations] : []));
      evidence.push({ scheme, payload: digestOf(payload), signature, beside: annotations && digestOf(annotations) });
    }
  } catch (error) {
    if (wish === 'welcome' && error instanceof ImageError) return null;
    throw error;
  }
  return { evidence, rejected: rejected.slice(0, MOST_REJECTED), blobs };
}

function describeImage({ reference, registry, repository }: RegistryTarget, chain: ImageChain): BareImage {
  const facts = describeContent(chain, `${registry}/${repository}`, targetOf(reference).parsed.digest);
  return { reference, config: chain.config.runtime, size: facts.compressedBytes, facts };
}

function storeReader(blobs: BlobStore, { reference }: ReferenceRecord): DocumentReader {
  const get = async (digest: string): Promise<Buffer> => {
    const bytes = await blobs.get(digest);
    if (bytes) return bytes;
    throw new ImageError('not-present', reference, `${reference}: ${digest} is not in the store`);
  };
  return { manifest: get, blob: ({ digest }) => get(digest) };
}
