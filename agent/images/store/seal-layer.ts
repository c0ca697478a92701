import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { enableVerity, measureVerity } from '../../../native/index.ts';
import { readInventory, writeInventory } from './inventory.ts';
import type { LayerPlace } from './layer-place.ts';

/**
 * Has the kernel hold every file of an unpacked layer that has content to it (fs-verity), and notes the digests that the
 * kernel knows them by in the inventory. Its files must be on disk already; its new inventory is not yet.
 * @returns false where the file system or the kernel has no such thing; then nothing has changed.
 */
export async function sealLayer({ directory, inventory }: LayerPlace): Promise<boolean> {
  const path = `${inventory}.sealed`;
  const sealed = writeInventory(path);
  try {
    for await (const entry of readInventory(inventory)) {
      if (entry.type !== 'file' || entry.size === 0) {
        await sealed.add(entry);
        continue;
      }
      const verity = await sealFile(join(directory, entry.path), entry.mtime ?? 0);
      if (verity === null) return false;
      await sealed.add({ ...entry, verity });
    }
    await sealed.finish();
    await rename(path, inventory);
    return true;
  } finally {
    sealed.abandon();
    await rm(path, { force: true });
  }
}

/** The kernel counts the seal as a modification, which it is not. */
async function sealFile(path: string, mtime: number): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (!(await enableVerity(file.fd))) return null;
    await file.utimes(mtime, mtime);
    return measureVerity(file.fd)?.toString('base64') ?? null;
  } finally {
    await file.close();
  }
}
