import type { Platform } from './documents/platform.ts';
import { createGarbage, type Garbage } from './garbage.ts';
import type { ImageAdmin, ImagesInUse } from './image-admin.ts';
import { createImageAdmin } from './image-administration.ts';
import { ImageError, type ImageSource } from './image-source.ts';
import { createPullBoard, type PullBoard } from './progress.ts';
import { createPullLayers, type PullOptions, type PullSource } from './pull-layers.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import { type KnownImage, Resolutions } from './resolutions.ts';
import type { TrustedKey } from './signature/trusted-key.ts';
import type { ImageStore } from './store/image-store.ts';
import { createLayerCheck, type LayerCheck } from './verify/layer-check.ts';

/** An image source whose answers can be given up, and the store behind it. */
export interface StoredImages extends ImageSource {
  /** The next `resolve` of a forgotten reference asks the registry again. */
  forget(reference: string): Promise<void>;
  /** What people do with the store. */
  readonly admin: ImageAdmin;
  readonly check: LayerCheck;
  readonly garbage: Garbage;
}

/** What an image source is made of. */
export interface StoredImagesParts {
  readonly client: RegistryClient;
  readonly store: ImageStore;
  readonly platform: Platform;
  readonly trustedKeys: readonly TrustedKey[];
  readonly inUse: ImagesInUse;
  readonly pulling: PullOptions;
}

/** Makes the image source over a store, and removes from that what no record speaks for. */
export async function createStoredImages(parts: StoredImagesParts): Promise<StoredImages> {
  const { client, store } = parts;
  const board: PullBoard = createPullBoard();
  const resolutions = new Resolutions({ ...parts, blobs: store.blobs }, store, parts.trustedKeys);
  const present = (digest: string): Promise<readonly string[]> => layerDirectories(resolutions, store, digest);
  const isPresent = (digest: string): Promise<boolean> => present(digest).then(...yesOrNo);
  const planned: PullSource = { client, cause: 'planned' };
  const pulling = sharing(async (digest: string, source: PullSource = planned) =>
    pullLayers(digest, (await known(resolutions, digest)).layers, resolutions.recordsOf(digest), source),
  );
  const isBusy = (digest: string): boolean => pulling.underWay(digest) !== undefined;
  const garbage = createGarbage({ resolutions, store, inUse: parts.inUse, isBusy });
  const pullLayers = createPullLayers({ store, board, garbage }, parts.pulling);
  const pull = (digest: string, source?: PullSource): Promise<void> => coded(digest, pulling(digest, source));
  const check = createLayerCheck({ resolutions, store, pull });
  const admin = createImageAdmin({ ...parts, resolutions, board, garbage, check, isPresent, pull });
  await resolutions.sweep();
  return {
    resolve: (reference, demand) => coded(reference, resolutions.resolve(reference, demand)),
    recall: (reference, digest, demand) => coded(reference, resolutions.recall(reference, digest, demand)),
    pull,
    layers: (digest) => coded(digest, present(digest)),
    isPresent,
    forget: (reference) => coded(reference, resolutions.forget(reference)),
    admin: codedAdmin(admin),
    check,
    garbage,
  };
}

const yesOrNo = [(): boolean => true, (): boolean => false] as const;

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

function codedAdmin(admin: ImageAdmin): ImageAdmin {
  return {
    list: () => coded('images', admin.list()),
    inspect: (name) => coded(name, admin.inspect(name)),
    fetch: (reference, from) => coded(reference, admin.fetch(reference, from)),
    discard: (name) => coded(name, admin.discard(name)),
    verify: (name, repair) => coded(name ?? 'images', admin.verify(name, repair)),
    prune: (mode) => coded('images', admin.prune(mode)),
    pulls: admin.pulls,
    fetchedBytes: admin.fetchedBytes,
  };
}

/** An operation that two callers with the same first argument do once. */
interface Sharing<T, Rest extends readonly unknown[]> {
  (key: string, ...rest: Rest): Promise<T>;
  underWay(key: string): Promise<T> | undefined;
}

function sharing<T, Rest extends readonly unknown[]>(
  operation: (key: string, ...rest: Rest) => Promise<T>,
): Sharing<T, Rest> {
  const running = new Map<string, Promise<T>>();
  const share = (key: string, ...rest: Rest): Promise<T> => {
    const shared = running.get(key) ?? operation(key, ...rest).finally(() => running.delete(key));
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
