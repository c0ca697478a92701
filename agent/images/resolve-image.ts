import { type ImageReference, parseImageReference } from '../../manifests/index.ts';
import { digestOf } from './digest.ts';
import type { Platform } from './documents/platform.ts';
import { type DocumentReader, type ImageChain, readImageChain } from './image-chain.ts';
import { ImageError, type ResolvedImage } from './image-source.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import type { RegistryTarget } from './registry/target.ts';
import { findSignatures } from './signature/find-signatures.ts';
import type { TrustedKey } from './signature/trusted-key.ts';
import { type Evidence, verifyEvidence } from './signature/verify-evidence.ts';
import type { BlobStore } from './store/blob-store.ts';
import type { ReferenceRecord } from './store/reference-records.ts';

/** What resolving needs. */
export interface ResolveContext {
  readonly client: RegistryClient;
  readonly blobs: BlobStore;
  readonly platform: Platform;
  readonly trustedKeys: readonly TrustedKey[];
}

/** An image and how it is remembered; `documents` are the blobs that the record speaks of. */
export interface Resolution {
  readonly image: ResolvedImage;
  readonly chain: ImageChain;
  readonly record: ReferenceRecord;
  readonly documents: readonly Buffer[];
}

/**
 * Resolves a reference at its registry. Nothing is written.
 * @param tagOrDigest what to look for there instead of the tag of the reference; a digest in that always counts.
 * @throws ImageError
 */
export async function resolveFromRegistry(
  context: ResolveContext,
  reference: string,
  tagOrDigest: string | null = null,
): Promise<Resolution> {
  const { target, parsed } = targetOf(reference);
  return fromRegistry(context, target, parsed.digest ?? tagOrDigest ?? parsed.tag ?? 'latest');
}

/** Looks for signatures once more, for the digest that is known; whatever a tag names by now. @throws ImageError */
export async function resolveAgain(context: ResolveContext, record: ReferenceRecord): Promise<Resolution> {
  return fromRegistry(context, record, record.topDigest);
}

/**
 * Reads what was resolved before, offline: every document by digest, every signature verified again.
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
    const evidence: Evidence[] = [];
    for (const { scheme, payload, signature } of record.evidence) {
      const bytes = await context.blobs.get(payload);
      if (bytes) evidence.push({ scheme, payload: bytes, signature });
    }
    return conclude(context, record, chain, evidence);
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

async function fromRegistry(context: ResolveContext, target: RegistryTarget, tagOrDigest: string): Promise<Resolution> {
  const { client, platform } = context;
  const reader: DocumentReader = {
    manifest: (which) => client.manifest(target, which),
    blob: (descriptor) => client.blob(target, descriptor),
  };
  const chain = await readImageChain(reader, tagOrDigest, platform, target.reference);
  const evidence: Evidence[] = [];
  if (context.trustedKeys.length > 0) {
    for (const digest of new Set([chain.topDigest, chain.digest])) {
      for await (const found of findSignatures(client, target, digest)) evidence.push(found);
    }
  }
  return conclude(context, target, chain, evidence);
}

/** Only signatures of trusted keys are kept: nobody else can fill the disk with them. */
function conclude(
  context: ResolveContext,
  { reference, registry, repository }: RegistryTarget,
  chain: ImageChain,
  found: readonly Evidence[],
): Resolution {
  const { topDigest, digest, config, layers } = chain;
  const signersOf = (evidence: Evidence): readonly string[] =>
    verifyEvidence(evidence, context.trustedKeys, [topDigest, digest]);
  const valid = found.filter((evidence) => signersOf(evidence).length > 0);
  const evidence = valid.map(({ scheme, payload, signature }) => ({ scheme, payload: digestOf(payload), signature }));
  return {
    chain,
    record: {
      ...{ reference, registry, repository, topDigest, digest, evidence },
      ...{ isPinned: false, resolvedAt: Date.now(), freshFor: null },
    },
    documents: [...chain.documents, ...valid.map(({ payload }) => payload)],
    image: {
      reference,
      config: config.runtime,
      size: layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      facts: {
        digest,
        pinnedDigest: targetOf(reference).parsed.digest,
        user: config.runtime.user,
        labels: config.labels,
        signedBy: [...new Set(valid.flatMap(signersOf))].sort(),
      },
    },
  };
}

function storeReader(blobs: BlobStore, { reference }: ReferenceRecord): DocumentReader {
  const get = async (digest: string): Promise<Buffer> => {
    const bytes = await blobs.get(digest);
    if (bytes) return bytes;
    throw new ImageError('not-present', reference, `${reference}: ${digest} is not in the store`);
  };
  return { manifest: get, blob: ({ digest }) => get(digest) };
}
