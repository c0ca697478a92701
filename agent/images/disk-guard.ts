import { statfs } from 'node:fs/promises';
import pLimit from 'p-limit';
import type { Garbage } from './garbage.ts';
import type { ImageLayer } from './image-chain.ts';
import { ImageError } from './image-source.ts';
import type { ImageStore } from './store/image-store.ts';

/** Unpacked layers take about this many times their packed size. */
const EXPANSION = 3;

/** Sees to it that a pull fits before it starts. */
export interface DiskGuard {
  /**
   * Sets space aside for layers, removing images that nothing uses, those resolved longest ago first, as far as need be.
   * @returns gives back what was set aside for one of the layers, by its diffID.
   * @throws ImageError `no-space`
   */
  reserve(layers: readonly ImageLayer[], reference: string): Promise<(diffId: string) => void>;
}

/** @param reserveBytes left free for everything else on the node. */
export function createDiskGuard(store: ImageStore, garbage: Garbage, reserveBytes: number): DiskGuard {
  let promised = 0;
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(store.paths.root);
    return bavail * bsize - promised - reserveBytes;
  };
  // One after the other: two that look at once would both be promised what is there once, and remove images twice.
  const oneByOne = pLimit(1);
  return {
    reserve: (layers, reference) =>
      oneByOne(async () => {
        // The packed layer is on disk until it is unpacked.
        const cost = new Map(layers.map(({ diffId, descriptor }) => [diffId, descriptor.size * (EXPANSION + 1)]));
        const needed = [...cost.values()].reduce((sum, bytes) => sum + bytes, 0);
        if (needed > (await freeBytes())) await makeRoom(garbage, async () => needed <= (await freeBytes()));
        const free = await freeBytes();
        if (needed > free) {
          const message = `${reference}: needs about ${needed} bytes in ${store.paths.root}, where ${Math.max(0, free)} are free besides the ${reserveBytes} that stay so; make room, or lower images.store.reserveBytes`;
          throw new ImageError('no-space', reference, message);
        }
        promised += needed;
        return (diffId) => {
          promised -= cost.get(diffId) ?? 0;
          cost.delete(diffId);
        };
      }),
  };
}

async function makeRoom(garbage: Garbage, isEnough: () => Promise<boolean>): Promise<void> {
  await garbage.clearRetired();
  for (const digest of await garbage.candidates()) {
    if (await isEnough()) return;
    await garbage.remove([digest]);
  }
}
