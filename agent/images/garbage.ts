import type { ImagesInUse } from './image-admin.ts';
import type { Resolutions } from './resolutions.ts';
import type { ImageStore } from './store/image-store.ts';

/** Whoever was given a digest this short a time ago may be about to use it. */
const ANSWER_HOLDS_MS = 60_000;

/** A container that says it started this long after a layer was set aside had not mounted that one. */
const START_LASTS_MS = 60_000;

/** Removes images that nothing uses. What runs, what may have to run, what is pinned and what is being pulled stays. */
export interface Garbage {
  /** @returns digests that may go, those resolved longest ago first; none while it is not known what is in use. */
  candidates(): Promise<readonly string[]>;
  /** @returns the digests that may go and have been found so, by this, for at least this long. */
  unusedFor(ms: number): Promise<readonly string[]>;
  /** Removes images with all that no other image uses. */
  remove(digests: readonly string[]): Promise<void>;
  /** Removes changed layers that were set aside and that no container can still have mounted. */
  clearRetired(): Promise<void>;
}

/** What collecting garbage needs. */
export interface GarbageParts {
  readonly resolutions: Resolutions;
  readonly store: ImageStore;
  readonly inUse: ImagesInUse;
  /** Whether an image is being pulled. */
  readonly isBusy: (digest: string) => boolean;
}

/** Makes a collector that has seen nothing unused yet. */
export function createGarbage({ resolutions, store, inUse, isBusy }: GarbageParts): Garbage {
  const unusedSince = new Map<string, number>();
  const candidates = async (): Promise<readonly string[]> => {
    const used = await inUse();
    if (used === null) return [];
    const newest = new Map<string, number>();
    const kept = new Set<string>(used.kept);
    for (const { digest, isPinned, resolvedAt } of store.references.all()) {
      newest.set(digest, Math.max(resolvedAt, newest.get(digest) ?? 0));
      if (isPinned || isBusy(digest) || resolutions.wasAnsweredWithin(digest, ANSWER_HOLDS_MS)) kept.add(digest);
    }
    const free = [...newest].filter(([digest]) => !kept.has(digest));
    return free.sort(([, a], [, b]) => a - b).map(([digest]) => digest);
  };
  return {
    candidates,
    unusedFor: async (ms) => {
      const free = await candidates();
      for (const digest of unusedSince.keys()) if (!free.includes(digest)) unusedSince.delete(digest);
      for (const digest of free) if (!unusedSince.has(digest)) unusedSince.set(digest, performance.now());
      return free.filter((digest) => performance.now() - (unusedSince.get(digest) ?? 0) >= ms);
    },
    remove: async (digests) => {
      for (const digest of digests) {
        for (const { reference } of resolutions.recordsOf(digest)) await resolutions.forget(reference);
      }
      if (digests.length > 0) await resolutions.sweep();
    },
    clearRetired: async () => {
      const used = await inUse();
      if (used === null) return;
      const mountedSince = new Map<string, number>();
      for (const record of store.references.all()) {
        const startedAt = used.running.get(record.digest);
        if (startedAt === undefined) continue;
        for (const { diffId } of (await resolutions.read(record))?.layers ?? []) {
          mountedSince.set(diffId, Math.min(startedAt, mountedSince.get(diffId) ?? startedAt));
        }
      }
      for (const layer of await store.layers.retired()) {
        const usedSince = mountedSince.get(layer.diffId) ?? Number.POSITIVE_INFINITY;
        const isFree = usedSince > layer.retiredAt + START_LASTS_MS;
        if (isFree) await store.layers.removeRetired(layer);
      }
    },
  };
}
