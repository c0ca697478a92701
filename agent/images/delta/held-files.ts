import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readInventory } from '../store/inventory.ts';
import type { StorePaths } from '../store/store-paths.ts';
import type { PackedFile } from './chunked-layer.ts';

/**
 * Looks for files in the unpacked layers of the store.
 * @returns paths of files that had this content when they were unpacked, by its sha256 in hex. Whoever reads one has to
 * hold it to that.
 */
export async function findHeldFiles(
  paths: StorePaths,
  wanted: readonly PackedFile[],
): Promise<ReadonlyMap<string, string>> {
  const sizes = new Map(wanted.map(({ sha256, size }) => [sha256, size]));
  const found = new Map<string, string>();
  for (const layer of (await readdir(paths.layers)).filter((name) => /^[0-9a-f]{64}$/.test(name))) {
    if (found.size === sizes.size) break;
    await findIn(join(paths.layers, layer), join(paths.inventories, layer), sizes, found);
  }
  return found;
}

async function findIn(
  layer: string,
  inventory: string,
  sizes: ReadonlyMap<string, number>,
  found: Map<string, string>,
): Promise<void> {
  try {
    for await (const { type, path, size, sha256 = '' } of readInventory(inventory)) {
      if (type !== 'file' || size === 0) continue;
      const hex = Buffer.from(sha256, 'base64').toString('hex');
      if (sizes.get(hex) === size && !found.has(hex)) found.set(hex, join(layer, path));
    }
  } catch {
    // Without its inventory a layer has nothing to offer; that it is damaged is told by its verification.
  }
}
