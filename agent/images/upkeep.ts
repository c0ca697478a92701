import { setTimeout as sleep } from 'node:timers/promises';
import type { Telemetry } from '../telemetry/index.ts';
import type { LayerFinding } from './image-admin.ts';
import type { StoredImages } from './stored-images.ts';
import { createPace } from './verify/pace.ts';

/** What is done to the store beside the pulls, and how often. */
export interface UpkeepSettings {
  /** Time between two verifications of everything; each round also collects garbage. */
  readonly roundMs: number;
  /** Before the first round: a node that boots has other things to do. */
  readonly firstAfterMs: number;
  /** Read by the verification. */
  readonly verifyBytesPerSecond: number;
  /** Images that were not needed for so long are removed; null for never. */
  readonly keepUnusedMs: number | null;
  /** Time between two looks for old images and for how pulls get on. */
  readonly tickMs: number;
}

/** The work beside the pulls. */
export interface Upkeep {
  /** Ends the work in the middle; nothing is left half done. */
  stop(): Promise<void>;
}

/** Drift of this field is a stored layer that is not what it was when it was unpacked. */
const DRIFT_FIELD = { 'holdfast.drift.field': 'image.layer' } as const;

/** Begins verifying stored layers in the background, repairing those that were changed, and removing old images. */
export function startUpkeep(images: StoredImages, settings: UpkeepSettings, telemetry: Telemetry): Upkeep {
  const ending = new AbortController();
  const { signal } = ending;
  const pace = createPace(settings.verifyBytesPerSecond, signal);
  const every = async (ms: number, firstMs: number, work: () => Promise<void>): Promise<void> => {
    for (let wait = firstMs; ; wait = ms) {
      await sleep(wait, undefined, { signal, ref: false });
      await work();
    }
  };
  const verifyAll = async (): Promise<void> => {
    await images.check.repairRetired();
    for (const diffId of await images.check.layers(null)) {
      // A disk that fails to give one layer is told of; the others are still looked at.
      const finding = await images.check.verify(diffId, pace, 'repair').catch((error: Error) => {
        if (error.name === 'AbortError') throw error;
        return unreadable(diffId, error);
      });
      if (finding) report(telemetry, finding);
    }
  };
  let told = 0;
  const tick = async (): Promise<void> => {
    const { admin, garbage } = images;
    const fetched = admin.fetchedBytes();
    if (fetched > told) telemetry.add('holdfast.image.pull.io', fetched - told, {});
    told = fetched;
    const left = admin.pulls().reduce((sum, { totalBytes, doneBytes }) => sum + totalBytes - doneBytes, 0);
    telemetry.set('holdfast.image.pull.remaining', left, {});
    if (settings.keepUnusedMs === null) return;
    const old = await garbage.unusedFor(settings.keepUnusedMs);
    await garbage.remove(old);
    for (const digest of old) {
      telemetry.emit({ name: 'holdfast.image.removed', attributes: { 'oci.manifest.digest': digest } });
    }
    await garbage.clearRetired();
  };
  /** A failure, of the disk mostly, is one of this round; the next one comes. */
  const despite =
    (work: () => Promise<void>): (() => Promise<void>) =>
    () =>
      work().catch((error: Error) => {
        if (error.name === 'AbortError') throw error;
      });
  const running = Promise.allSettled([
    every(settings.roundMs, settings.firstAfterMs, despite(verifyAll)),
    every(settings.tickMs, settings.tickMs, despite(tick)),
  ]);
  return {
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

function unreadable(diffId: string, error: Error): LayerFinding {
  const verdict = { state: 'unverifiable', reason: error.message } as const;
  return { diffId, images: [], verdict, isRepaired: false, failure: error.message };
}

function report(telemetry: Telemetry, { diffId, verdict, isRepaired, failure }: LayerFinding): void {
  if (verdict.state !== 'damaged') return;
  const { path, what } = verdict.damage;
  telemetry.add('holdfast.drift.detections', 1, DRIFT_FIELD);
  telemetry.emit({
    name: 'holdfast.drift.detected',
    attributes: {
      ...DRIFT_FIELD,
      'holdfast.drift.action': isRepaired ? 'healed' : 'reported',
      'holdfast.drift.desired': diffId,
      'holdfast.drift.observed': `${path}: ${what}${failure === null ? '' : `; not pulled again yet: ${failure}`}`,
    },
  });
  if (!isRepaired) return;
  telemetry.add('holdfast.drift.corrections', 1, DRIFT_FIELD);
  telemetry.emit({
    name: 'holdfast.drift.corrected',
    attributes: { ...DRIFT_FIELD, 'holdfast.drift.desired': diffId },
  });
}
