import { DIGEST_PATTERN, digestOf, hexOf } from '../digest.ts';
import { type Descriptor, type IndexDocument, parseImageDocument } from '../documents/manifest.ts';
import { ImageError } from '../image-source.ts';
import { readWhole } from '../registry/read-whole.ts';
import { MAX_DOCUMENT_BYTES, type RegistryClient } from '../registry/registry-client.ts';
import { readVerified } from '../registry/verified-stream.ts';
import type { LayoutFiles } from './layout-files.ts';

/** Names an image in an index (image-spec, annotations.md). */
const REF_NAME = 'org.opencontainers.image.ref.name';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** A registry client over the files of one image layout; whatever registry and repository it is asked about. */
export interface LayoutClient extends RegistryClient {
  /**
   * @param tag null for the only image there is.
   * @returns the digest of the image of that name. @throws ImageError `not-found`, naming those there are
   */
  resolveTag(tag: string | null): string;
}

/** Nothing is gained by reading a file a second time. */
const ONCE = { attempts: 1, delayMs: 0 };

/** Reads the index of a layout (image-spec, image-layout.md). @throws ImageError `not-found`, `bad-manifest` */
export async function createLayoutClient(files: LayoutFiles, source: string): Promise<LayoutClient> {
  const index = await readIndex(files, source);
  const nameOf = (entry: Descriptor): string | undefined => entry.annotations?.[REF_NAME];
  const findTag = (tag: string): Descriptor | undefined =>
    index.manifests.find((entry) => nameOf(entry) === tag) ??
    index.manifests.find((entry) => nameOf(entry)?.endsWith(`:${tag}`));
  const content = async (digest: string, offset: number): Promise<AsyncIterable<Buffer>> => {
    const found = await files.read(`blobs/sha256/${hexOf(digest)}`, offset);
    if (found) return found;
    throw new ImageError('not-found', source, `${source}: ${digest} is not in the layout`);
  };
  const document = async (digest: string): Promise<Buffer> => {
    const bytes = await readWhole(await content(digest, 0), MAX_DOCUMENT_BYTES, source);
    if (digestOf(bytes) === digest) return bytes;
    throw new ImageError('digest-mismatch', source, `${source}: the file of ${digest} has another digest`);
  };
  const stream: RegistryClient['stream'] = (_place, descriptor, keeper) =>
    readVerified(
      descriptor,
      source,
      ONCE,
      async (offset) => ({ start: offset, body: await content(descriptor.digest, offset) }),
      keeper && { read: keeper.read, append: async () => undefined },
    );
  return {
    resolveTag: (tag) => {
      const images = index.manifests.filter((entry) => !isAttachment(nameOf(entry)));
      const found = tag === null && images.length === 1 ? images[0] : tag === null ? undefined : findTag(tag);
      if (found) return found.digest;
      const names = images.map((entry) => nameOf(entry) ?? entry.digest).join(', ') || 'none';
      throw new ImageError('not-found', source, `${source}: name one of its images with :tag; it has ${names}`);
    },
    manifest: async (_target, tagOrDigest) => {
      const digest = DIGEST_PATTERN.test(tagOrDigest) ? tagOrDigest : findTag(tagOrDigest)?.digest;
      if (digest !== undefined) return document(digest);
      throw new ImageError('not-found', source, `${source}: there is no ${tagOrDigest} in the layout`);
    },
    digest: async (_target, tag) => findTag(tag)?.digest ?? null,
    referrers: async (_target, digest) => {
      const manifests: Descriptor[] = [];
      for (const entry of index.manifests) {
        const read = await document(entry.digest).then(
          (bytes) => parseImageDocument(bytes, source),
          () => null,
        );
        if (read?.kind === 'manifest' && read.manifest.subject?.digest === digest) manifests.push(entry);
      }
      return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));
    },
    blob: async (target, descriptor) => readWhole(stream(target, descriptor), MAX_DOCUMENT_BYTES, source),
    places: (target) => [target],
    stream,
    range: null,
  };
}

/** Signatures and their like are in a layout beside the images, by names such as `sha256-….sig`. */
function isAttachment(name: string | undefined): boolean {
  return /(^|:)sha256-[0-9a-f]{64}(\.\w+)?$/.test(name ?? '');
}

async function readIndex(files: LayoutFiles, source: string): Promise<IndexDocument> {
  const found = await files.read('index.json', 0);
  if (!found) throw new ImageError('not-found', source, `${source}: there is no image layout: it has no index.json`);
  const document = parseImageDocument(await readWhole(found, MAX_DOCUMENT_BYTES, source), source);
  if (document.kind === 'index') return document.index;
  throw new ImageError('bad-manifest', source, `${source}: its index.json is no index`);
}
