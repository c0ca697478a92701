import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectory } from '../../native/index.ts';

const LARGEST_BYTES = 1024 * 1024;

/**
 * Reads a small file as the container would see it, from unpacked layers, uppermost first.
 * A path that leads through a symbolic link counts as absent: an image must not choose which file of the node is read.
 * @param path relative, such as `etc/passwd`.
 * @returns its text, or null when no layer has it, a layer hides it, or it is larger than 1 MiB.
 */
export async function readLayerFile(layers: readonly string[], path: string): Promise<string | null> {
  for (const layer of layers) {
    const found = fileKind(layer, path);
    if (found === 'file') return readSmallFile(join(layer, path));
    if (found !== 'absent') return null;
  }
  return null;
}

/** Layers are never written to after they are unpacked, so what is seen here is what is opened next. */
function fileKind(layer: string, path: string): 'file' | 'absent' | 'hidden' {
  const directory = openDirectory(layer);
  try {
    const kind = directory.kind(path);
    if (kind === null) return 'absent';
    return kind === 'file' ? 'file' : 'hidden';
  } catch {
    return 'hidden';
  } finally {
    directory.close();
  }
}

async function readSmallFile(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    return size > LARGEST_BYTES ? null : await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
