import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ManifestFile } from '../source/index.ts';

const MANIFEST = /\.(ya?ml|json)$/;

/**
 * Reads manifests from files and folders of a working tree, as the source would read them from a commit.
 * @throws the file system's error for a path that cannot be read.
 */
export async function readManifests(paths: readonly string[]): Promise<readonly ManifestFile[]> {
  const found = await Promise.all(paths.map(listManifests));
  const files = [...new Set(found.flat())].sort();
  return Promise.all(
    files.map(async (path) => ({ path: relative('.', path) || path, text: await readFile(path, 'utf8') })),
  );
}

async function listManifests(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && MANIFEST.test(entry.name) && !entry.parentPath.split('/').includes('.git'))
    .map((entry) => join(entry.parentPath, entry.name));
}
