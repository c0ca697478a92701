import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What every container gets (runtime-spec, config-linux.md, default devices). */
const DEFAULT = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty'] as const;

/** The container has its own of these. */
const OWN = new Set(['/dev/pts', '/dev/shm', '/dev/mqueue', '/dev/ptmx', '/dev/console']);

const LONGEST_PATH_BYTES = 255;

/** @returns the paths of the node's device nodes a container gets: the harmless six, or all of them when privileged. */
export async function devicesFor(access: 'default' | 'privileged'): Promise<readonly string[]> {
  if (access === 'default') return DEFAULT;
  return [...new Set([...DEFAULT, ...(await nodesBelow('/dev'))])];
}

async function nodesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry) => {
      const path = join(directory, entry.name);
      if (OWN.has(path) || Buffer.byteLength(path) > LONGEST_PATH_BYTES) return [];
      if (entry.isDirectory()) return nodesBelow(path);
      return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
    }),
  );
  return found.flat();
}
