import pLimit, { type LimitFunction } from 'p-limit';
import { openDelta } from './delta/pull-delta.ts';
import { createDiskGuard } from './disk-guard.ts';
import { type DownloadWindow, isOpen, showWindow } from './download-window.ts';
import type { Garbage } from './garbage.ts';
import type { ImageLayer } from './image-chain.ts';
import { ImageError, type ImageErrorCode } from './image-source.ts';
import type { PullBoard, PullMeter } from './progress.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import type { RegistryTarget } from './registry/target.ts';
import type { ImageStore } from './store/image-store.ts';
import { createPartials, type OpenPartial, type PartialLayer } from './store/partial-layer.ts';
import { unpackLayer } from './unpack/unpack-layer.ts';
import { createPace, type Pace } from './verify/pace.ts';

/** How layers are fetched. */
export interface PullOptions {
  /** Layers fetched and unpacked at once, by all pulls together. */
  readonly parallelLayers: number;
  /** Of all layers together; null for no limit. */
  readonly bytesPerSecond: number | null;
  /** Null for always. */
  readonly window: DownloadWindow | null;
  /** Disk left free for everything else, bytes. */
  readonly reserveBytes: number;
}

/** Where a pull takes its layers from. */
export interface PullSource {
  readonly client: RegistryClient;
  /** `asked`: a person waits for it, so it does not wait for the download window. */
  readonly cause: 'planned' | 'asked';
}

/** Makes the layers of an image present, each from the first of the places that has it. @throws ImageError */
export type PullLayers = (
  digest: string,
  layers: readonly ImageLayer[],
  targets: readonly RegistryTarget[],
  source: PullSource,
) => Promise<void>;

/** What pulling needs. */
export interface PullParts {
  readonly store: ImageStore;
  readonly board: PullBoard;
  readonly garbage: Garbage;
}

/** Makes the function that pulls; all its calls share the limits. */
export function createPullLayers({ store, board, garbage }: PullParts, options: PullOptions): PullLayers {
  const limit = pLimit(options.parallelLayers);
  const pace = createPace(options.bytesPerSecond);
  const guard = createDiskGuard(store, garbage, options.reserveBytes);
  const open = createPartials(store.paths);
  return async (digest, layers, targets, { client, cause }) => {
    const missing = await missingLayers(layers, store);
    if (missing.length === 0) return;
    const reference = targets[0]?.reference ?? digest;
    const window = cause === 'planned' ? options.window : null;
    const places = targets.flatMap((target) => client.places(target));
    const release = await guard.reserve(missing, reference);
    const total = missing.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    const meter = board.begin(reference, digest, total);
    try {
      const work = { client, store, open, pace, window, meter, limit };
      await fetchAll(missing, (layer) => addFromFirst(work, places, layer).finally(() => release(layer.diffId)));
    } finally {
      meter.end();
    }
  };
}

interface Work {
  readonly client: RegistryClient;
  readonly store: ImageStore;
  readonly open: OpenPartial;
  readonly pace: Pace;
  readonly window: DownloadWindow | null;
  readonly meter: PullMeter;
  /** Of layers that are fetched and unpacked; those that wait for the disk only are not among them. */
  readonly limit: LimitFunction;
}

async function missingLayers(layers: readonly ImageLayer[], store: ImageStore): Promise<readonly ImageLayer[]> {
  const byDiffId = new Map<string, ImageLayer>();
  for (const layer of layers) if (!(await store.layers.has(layer.diffId))) byDiffId.set(layer.diffId, layer);
  return [...byDiffId.values()];
}

/** Waits for all, also after a failure: nothing goes on behind the caller's back, and what succeeded is kept. */
async function fetchAll(layers: readonly ImageLayer[], fetch: (layer: ImageLayer) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(layers.map(fetch));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** What another place may do better. A layer that is bad by itself is bad everywhere. */
const MAY_BE_ELSEWHERE: readonly ImageErrorCode[] = [
  ...(['not-found', 'unauthorized', 'unreachable', 'interrupted'] as const),
  ...(['digest-mismatch', 'size-mismatch'] as const),
];

async function addFromFirst(work: Work, places: readonly RegistryTarget[], layer: ImageLayer): Promise<void> {
  const [place, ...others] = places;
  const { digest } = layer.descriptor;
  if (!place) throw new ImageError('not-present', digest, `no registry is known for layer ${digest}`);
  try {
    await add(work, place, layer);
  } catch (error) {
    if (others.length === 0 || !(error instanceof ImageError) || !MAY_BE_ELSEWHERE.includes(error.code)) throw error;
    await addFromFirst(work, others, layer);
  }
}

/** After these, what has arrived is of no use to anybody. */
const IS_WRONG: readonly ImageErrorCode[] = ['bad-layer', 'digest-mismatch', 'size-mismatch'];

/** Of what goes wrong when a layer is made of parts, these would go wrong with the whole as well. */
const STAYS_WRONG: readonly ImageErrorCode[] = ['no-space', 'outside-window'];

/** @returns false when the layer has to be fetched whole. */
async function addFromParts(work: Work, place: RegistryTarget, layer: ImageLayer): Promise<boolean> {
  const { client, store, limit, meter, window, pace } = work;
  const { descriptor, diffId } = layer;
  const { range } = client;
  const { reference } = place;
  if (range === null || layer.compression !== 'zstd') return false;
  let counted = 0;
  const advance = (bytes: number): void => {
    counted += bytes;
    meter.advance(bytes);
  };
  const fetchRange = async function* (start: number, end: number): AsyncGenerator<Buffer> {
    checkWindow(window, reference);
    for await (const chunk of range(place, descriptor, { start, end })) {
      meter.fetched(chunk.length);
      advance(chunk.length);
      await pace.spend(chunk.length);
      checkWindow(window, reference);
      yield chunk;
    }
  };
  try {
    const stream = await limit(() => openDelta(descriptor, store.paths, fetchRange, advance));
    if (stream === null) {
      meter.lose(counted);
      return false;
    }
    const unpacked = { reference, digest: descriptor.digest, diffId, compression: 'none', stream } as const;
    await store.layers.add(diffId, (into) => limit(() => unpackLayer(unpacked, into)));
    return true;
  } catch (error) {
    meter.lose(counted);
    if (STAYS_WRONG.includes((error as ImageError).code)) throw error;
    return false;
  }
}

async function add(work: Work, place: RegistryTarget, layer: ImageLayer): Promise<void> {
  if (await addFromParts(work, place, layer)) return;
  const { descriptor } = layer;
  const partial = await work.open(descriptor.digest, descriptor.size);
  const hadSome = partial.size > 0;
  try {
    await unpackFrom(work, place, layer, partial).catch((error: ImageError) => {
      // A power cut may have kept the length of what was written and not its content.
      if (!hadSome || !IS_WRONG.includes(error.code)) throw error;
      return partial.reset().then(() => unpackFrom(work, place, layer, partial));
    });
    await partial.remove();
  } catch (error) {
    await (IS_WRONG.includes((error as ImageError).code) ? partial.remove() : partial.close());
    throw error;
  }
}

async function unpackFrom(
  { client, store, pace, window, meter, limit }: Work,
  place: RegistryTarget,
  { descriptor, compression, diffId }: ImageLayer,
  partial: PartialLayer,
): Promise<void> {
  const { reference } = place;
  const { digest } = descriptor;
  let counted = 0;
  const stream = async function* (): AsyncGenerator<Buffer> {
    const kept = { read: partial.read, append: keeping(partial, { window, pace, meter }, reference) };
    if (partial.size < descriptor.size) checkWindow(window, reference);
    for await (const chunk of client.stream(place, descriptor, kept)) {
      counted += chunk.length;
      meter.advance(chunk.length);
      yield chunk;
    }
  };
  try {
    await store.layers.add(diffId, (unpacked) =>
      limit(() => unpackLayer({ reference, digest, diffId, compression, stream: stream() }, unpacked)),
    );
  } catch (error) {
    meter.lose(counted);
    throw error;
  }
}

function keeping(
  partial: PartialLayer,
  { window, pace, meter }: Pick<Work, 'window' | 'pace' | 'meter'>,
  reference: string,
): (chunk: Buffer) => Promise<void> {
  return async (chunk) => {
    meter.fetched(chunk.length);
    await partial.append(chunk);
    await pace.spend(chunk.length);
    checkWindow(window, reference);
  };
}

/** What has arrived is kept: the pull goes on from there when the window opens again. */
function checkWindow(window: DownloadWindow | null, reference: string): void {
  if (window === null || isOpen(window, new Date())) return;
  const message = `${reference}: layers are fetched from ${showWindow(window)} only; holdfast image pull fetches them at once`;
  throw new ImageError('outside-window', reference, message);
}
