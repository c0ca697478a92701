import { parseImageReference } from '../../manifests/index.ts';
import type { Garbage } from './garbage.ts';
import type { ImageAdmin, ImageDetails, ImagesInUse, LayerFinding } from './image-admin.ts';
import { ImageError, type StoredImage } from './image-source.ts';
import { withLayout } from './layout/layout-source.ts';
import type { PullBoard } from './progress.ts';
import type { PullSource } from './pull-layers.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import type { Resolutions } from './resolutions.ts';
import type { ImageStore } from './store/image-store.ts';
import type { LayerCheck } from './verify/layer-check.ts';
import { createPace } from './verify/pace.ts';

/** What administering a store needs. */
export interface AdminParts {
  readonly client: RegistryClient;
  readonly store: ImageStore;
  readonly resolutions: Resolutions;
  readonly board: PullBoard;
  readonly garbage: Garbage;
  readonly check: LayerCheck;
  readonly inUse: ImagesInUse;
  readonly isPresent: (digest: string) => Promise<boolean>;
  readonly pull: (digest: string, source: PullSource) => Promise<void>;
}

/** Makes what `holdfast image` does. */
export function createImageAdmin(parts: AdminParts): ImageAdmin {
  const { client, store, resolutions, garbage, check } = parts;
  return {
    list: () => {
      const digests = [...new Set(store.references.all().map(({ digest }) => digest))].sort();
      return Promise.all(digests.map((digest) => describe(parts, digest)));
    },
    inspect: async (name) => inspect(parts, await digestNamed(parts, name)),
    fetch: async (reference, from) => {
      const complete = async (source: RegistryClient, tag: string | null): Promise<StoredImage> => {
        const { facts } = await resolutions.fetch(reference, source, tag);
        await parts.pull(facts.digest, { client: source, cause: 'asked' });
        return describe(parts, facts.digest);
      };
      return from === null ? complete(client, null) : withLayout(from, complete);
    },
    discard: async (name) => {
      const digest = await digestNamed(parts, name);
      const used = await parts.inUse();
      if (used === null || used.kept.has(digest)) {
        const why = used === null ? 'it is not known yet what runs' : 'a workload runs from it, or may have to';
        throw new ImageError('in-use', name, `${name}: the image stays: ${why}`);
      }
      await garbage.remove([digest]);
    },
    verify: async (name, repair) => {
      const digest = name === null ? null : await digestNamed(parts, name);
      const findings: LayerFinding[] = [];
      for (const diffId of await check.layers(digest)) {
        const finding = await check.verify(diffId, createPace(null), repair);
        if (finding) findings.push(finding);
      }
      return findings;
    },
    prune: async (mode) => {
      const digests = await garbage.candidates();
      const images = await Promise.all(digests.map((digest) => describe(parts, digest)));
      if (mode === 'remove') {
        await garbage.remove(digests);
        await garbage.clearRetired();
      }
      return images;
    },
    pulls: parts.board.pulls,
    fetchedBytes: parts.board.fetchedBytes,
  };
}

async function describe({ resolutions, isPresent }: AdminParts, digest: string): Promise<StoredImage> {
  const records = resolutions.recordsOf(digest);
  let size = 0;
  for (const record of records) size = (await resolutions.read(record).catch(() => null))?.image.size ?? size;
  return {
    digest,
    references: records.map(({ reference }) => reference),
    size,
    isPresent: await isPresent(digest),
    isPinned: records.some((record) => record.isPinned),
    resolvedAt: Math.max(0, ...records.map(({ resolvedAt }) => resolvedAt)),
  };
}

async function inspect(parts: AdminParts, digest: string): Promise<ImageDetails> {
  const { resolutions, store } = parts;
  const [record] = resolutions.recordsOf(digest);
  const known = record && (await resolutions.read(record));
  if (!record || !known) throw new ImageError('not-present', digest, `${digest}: a part of its documents is missing`);
  const { layers } = known;
  const image = await resolutions.vouchersOf(record, known);
  return {
    ...(await describe(parts, digest)),
    topDigest: record.topDigest,
    platform: known.platform,
    user: image.facts.user,
    signedBy: image.facts.signedBy,
    facts: image.facts,
    isInUse: (await parts.inUse())?.kept.has(digest) ?? true,
    layers: await Promise.all(
      layers.map(async ({ descriptor, diffId }) => ({
        digest: descriptor.digest,
        diffId,
        size: descriptor.size,
        isPresent: await store.layers.has(diffId),
      })),
    ),
  };
}

/** @returns the digest of the one image a person means. @throws ImageError */
async function digestNamed({ store }: AdminParts, name: string): Promise<string> {
  const records = store.references.all();
  const hex = /^(?:sha256:)?([0-9a-f]{6,64})$/.exec(name)?.[1];
  const meant = canonical(name);
  const digests = new Set(
    records
      .filter(({ digest, reference }) => {
        return (
          (hex && digest.startsWith(`sha256:${hex}`)) ||
          reference === name ||
          (meant !== null && canonical(reference) === meant)
        );
      })
      .map(({ digest }) => digest),
  );
  const [first, second] = [...digests];
  if (first === undefined) throw new ImageError('not-present', name, `${name}: no such image is in the store`);
  if (second === undefined) return first;
  throw new ImageError('bad-reference', name, `${name}: several images begin so; give more of the digest`);
}

function canonical(reference: string): string | null {
  const parsed = parseImageReference(reference);
  if (typeof parsed === 'string') return null;
  const { registry, repository, tag, digest } = parsed;
  return `${registry}/${repository}${digest === null ? `:${tag ?? 'latest'}` : `@${digest}`}`;
}
