import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Names, as opa's `--ignore` takes them, of the files beside the sources that are tests. */
export const TEST_FILES = '*_test.rego';

/**
 * Digest of everything that decides what a bundle says.
 * @param options.compiler name and version of the compiler; `entrypoint` the rule it compiles for.
 * @returns `sha256:…`, the same for the same sources wherever they are.
 */
export async function sourceRevision(options: {
  readonly packsDir: string;
  readonly compiler: string;
  readonly entrypoint: string;
}): Promise<string> {
  const hash = createHash('sha256');
  const add = (text: string | Buffer): void => {
    hash.update(`${text.length}\n`).update(text);
  };
  add(options.compiler);
  add(options.entrypoint);
  for (const name of await listSources(options.packsDir)) {
    add(name);
    add(await readFile(join(options.packsDir, name)));
  }
  return `sha256:${hash.digest('hex')}`;
}

async function listSources(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(TEST_FILES.slice(1)))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}
