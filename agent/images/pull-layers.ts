import { statfs } from 'node:fs/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import type { ImageLayer } from './image-chain.ts';
import { ImageError, type ImageErrorCode } from './image-source.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import type { RegistryTarget } from './registry/target.ts';
import type { ImageStore } from './store/image-store.ts';
import { unpackLayer } from './unpack/unpack-layer.ts';

/** Layers unpacked at once, by all pulls together. */
const PARALLEL_LAYERS = 3;

/** Unpacked layers take about this many times their packed size. */
const EXPANSION = 3;

/** Left free for everything else on the node, bytes. */
const RESERVE_BYTES = 64 * 1024 ** 2;

/** Makes the layers of an image present, each from the first of the places that has it. @throws ImageError */
export type PullLayers = (
  digest: string,
  layers: readonly ImageLayer[],
  places: readonly RegistryTarget[],
) => Promise<void>;

/** Makes the function that pulls; all its calls together unpack no more than three layers at once. */
export function createPullLayers(client: RegistryClient, store: ImageStore): PullLayers {
  const limit = pLimit(PARALLEL_LAYERS);
  return async (digest, layers, places) => {
    const missing = await missingLayers(layers, store);
    if (missing.length === 0) return;
    await checkSpace(missing, store, places[0]?.reference ?? digest);
    await fetchAll(missing, (layer) => addFromFirst(client, store, places, layer), limit);
  };
}

async function missingLayers(layers: readonly ImageLayer[], store: ImageStore): Promise<readonly ImageLayer[]> {
  const byDiffId = new Map<string, ImageLayer>();
  for (const layer of layers) if (!(await store.layers.has(layer.diffId))) byDiffId.set(layer.diffId, layer);
  return [...byDiffId.values()];
}

/** Waits for all, also after a failure: nothing goes on behind the caller's back, and what succeeded is kept. */
async function fetchAll(
  layers: readonly ImageLayer[],
  fetch: (layer: ImageLayer) => Promise<void>,
  limit: LimitFunction,
): Promise<void> {
  const outcomes = await Promise.allSettled(layers.map((layer) => limit(() => fetch(layer))));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Another place is tried when one does not have the layer or cannot be reached, not when the layer itself is bad. */
async function addFromFirst(
  client: RegistryClient,
  store: ImageStore,
  [place, ...others]: readonly RegistryTarget[],
  layer: ImageLayer,
): Promise<void> {
  const { descriptor, compression, diffId } = layer;
  const { digest } = descriptor;
  if (!place) throw new ImageError('not-present', digest, `no registry is known for layer ${digest}`);
  const { reference } = place;
  try {
    await store.layers.add(diffId, (directory) => {
      const stream = client.stream(place, descriptor);
      return unpackLayer({ reference, digest, diffId, compression, stream }, directory);
    });
  } catch (error) {
    const isElsewhere: readonly ImageErrorCode[] = ['not-found', 'unauthorized', 'unreachable', 'interrupted'];
    if (others.length === 0 || !(error instanceof ImageError) || !isElsewhere.includes(error.code)) throw error;
    await addFromFirst(client, store, others, layer);
  }
}

async function checkSpace(layers: readonly ImageLayer[], store: ImageStore, reference: string): Promise<void> {
  const { bavail, bsize } = await statfs(store.paths.root);
  const needed = layers.reduce((sum, { descriptor }) => sum + descriptor.size * EXPANSION, 0);
  const free = bavail * bsize;
  if (needed + RESERVE_BYTES <= free) return;
  const message = `${reference}: needs about ${needed} bytes in ${store.paths.root}, where ${free} are free and ${RESERVE_BYTES} are kept`;
  throw new ImageError('no-space', reference, message);
}
