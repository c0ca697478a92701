import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ManifestFile } from '../source/index.ts';

const MANIFEST = /\.(ya?ml|json)$/;

/**
 * Reads manifests from files and folders of a working tree, as the source would read them from a commit.
 * @throws an error that names the path: one that cannot be read, and what a commit must not have either.
 */
export async function readManifests(paths: readonly string[]): Promise<readonly ManifestFile[]> {
  const found = await Promise.all(paths.map(listManifests));
  const files = [...new Set(found.flat())].sort();
  return Promise.all(files.map(readManifest));
}

async function listManifests(path: string): Promise<readonly string[]> {
  const about = await stat(path).catch((error) => unreadable(path, error));
  if (!about.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => MANIFEST.test(entry.name) && !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(path, file).split('/').includes('.git'));
}

async function readManifest(path: string): Promise<ManifestFile> {
  const name = relative('.', path) || path;
  if (!(await stat(path).catch((error) => unreadable(path, error))).isFile())
    throw new Error(`${name} is no regular file; only those are read`);
  const bytes = await readFile(path).catch((error) => unreadable(path, error));
  try {
    return { path: name, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    throw new Error(`${name} is not UTF-8 text; save it as UTF-8`);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): never {
  throw new Error(`cannot read ${path} (${error.code}); name manifest files or folders that are there`);
}
