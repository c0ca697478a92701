import type { Platform } from './documents/platform.ts';
import { ImageError, type ImageSource, type StoredImage } from './image-source.ts';
import { createPullLayers } from './pull-layers.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import { type KnownImage, Resolutions } from './resolutions.ts';
import type { TrustedKey } from './signature/trusted-key.ts';
import type { ImageStore } from './store/image-store.ts';

/** An image source whose answers can be given up: the next `resolve` of a forgotten reference asks the registry again. */
export interface StoredImages extends ImageSource {
  forget(reference: string): Promise<void>;
}

/** What an image source is made of. */
export interface StoredImagesParts {
  readonly client: RegistryClient;
  readonly store: ImageStore;
  readonly platform: Platform;
  readonly trustedKeys: readonly TrustedKey[];
}

/** Makes the image source over a store, and removes from that what nothing uses. */
export async function createStoredImages(parts: StoredImagesParts): Promise<StoredImages> {
  const { client, store } = parts;
  const resolutions = new Resolutions({ ...parts, blobs: store.blobs }, store);
  const pullLayers = createPullLayers(client, store);
  const resolving = sharing(resolutions.resolve.bind(resolutions));
  const pulling = sharing(async (digest: string) =>
    pullLayers(digest, (await known(resolutions, digest)).layers, resolutions.recordsOf(digest)),
  );
  await resolutions.sweep();
  return {
    resolve: (reference) => coded(reference, resolving(reference)),
    pull: (digest) => coded(digest, pulling(digest)),
    layers: (digest) => coded(digest, layerDirectories(resolutions, store, digest)),
    isPresent: (digest) =>
      layerDirectories(resolutions, store, digest).then(
        () => true,
        () => false,
      ),
    list: () => coded('images', list(resolutions, store)),
    forget: (reference) => coded(reference, resolutions.forget(reference)),
    remove: (digest) => coded(digest, remove(resolutions, pulling, digest)),
  };
}

async function known(resolutions: Resolutions, digest: string): Promise<KnownImage> {
  for (const record of resolutions.recordsOf(digest)) {
    const image = await resolutions.read(record);
    if (image) return image;
  }
  throw new ImageError(
    'not-present',
    digest,
    `${digest}: no image of this digest is known; resolve its reference first`,
  );
}

/** A layer that comes twice is listed once, uppermost: overlayfs refuses it twice, and the upper one hides the lower. */
async function layerDirectories(
  resolutions: Resolutions,
  store: ImageStore,
  digest: string,
): Promise<readonly string[]> {
  const { layers } = await known(resolutions, digest);
  const upperFirst = [...new Set(layers.map(({ diffId }) => diffId).toReversed())];
  for (const diffId of upperFirst) {
    if (await store.layers.has(diffId)) continue;
    throw new ImageError('not-present', digest, `${digest}: its layer ${diffId} is not on disk; pull the image`);
  }
  return upperFirst.map((diffId) => store.paths.layer(diffId));
}

async function list(resolutions: Resolutions, store: ImageStore): Promise<readonly StoredImage[]> {
  const digests = [...new Set(store.references.all().map(({ digest }) => digest))].sort();
  const images: StoredImage[] = [];
  for (const digest of digests) {
    const references = resolutions.recordsOf(digest).map(({ reference }) => reference);
    const image = await known(resolutions, digest).catch(() => null);
    images.push({ digest, references, size: image?.image.size ?? 0 });
  }
  return images;
}

async function remove(resolutions: Resolutions, pulling: Sharing<void>, digest: string): Promise<void> {
  await pulling.underWay(digest)?.catch(() => undefined);
  for (const { reference } of resolutions.recordsOf(digest)) await resolutions.forget(reference);
  await resolutions.sweep();
}

/** An operation that two callers with the same argument do once. */
interface Sharing<T> {
  (key: string): Promise<T>;
  underWay(key: string): Promise<T> | undefined;
}

function sharing<T>(operation: (key: string) => Promise<T>): Sharing<T> {
  const running = new Map<string, Promise<T>>();
  const share = (key: string): Promise<T> => {
    const shared = running.get(key) ?? operation(key).finally(() => running.delete(key));
    running.set(key, shared);
    return shared;
  };
  return Object.assign(share, { underWay: (key: string) => running.get(key) });
}

/** What is not a coded error yet is the store's: its disk, its permissions. */
async function coded<T>(reference: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new ImageError(isFull ? 'no-space' : 'store', reference, `${reference}: the image store: ${message}`, {
      cause,
    });
  }
}
