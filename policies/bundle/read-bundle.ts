import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { PolicyError } from '../errors.ts';
import { type Bundle, DATA_FILE, MANIFEST_FILE, WASM_FILE } from './bundle.ts';
import { sha256 } from './digest.ts';
import { isObject, parseJson, parseManifest } from './parse-manifest.ts';

const MAX_FILE_BYTES = 32 * 1024 * 1024;

/**
 * Reads a bundle directory and proves it whole: every file listed in the manifest, none missing, none other, and each
 * with the digest given there.
 * @throws PolicyError `bundle-missing`, `bundle-invalid` or `bundle-tampered`
 */
export async function readBundle(dir: string): Promise<Bundle> {
  const names = await listFiles(dir);
  if (!names.includes(MANIFEST_FILE)) {
    throw new PolicyError('bundle-missing', `${dir}: has no ${MANIFEST_FILE}, so it is no policy bundle`);
  }
  const manifestFile = join(dir, MANIFEST_FILE);
  const manifest = parseManifest((await readLimited(manifestFile)).toString(), manifestFile);
  const contents = new Map<string, Buffer>();
  for (const name of names) {
    if (name !== MANIFEST_FILE) contents.set(name, await readListed(dir, name, manifest.files));
  }
  for (const name of [WASM_FILE, DATA_FILE, ...Object.keys(manifest.files)]) {
    if (!contents.has(name)) throw new PolicyError('bundle-tampered', `${join(dir, name)}: is missing from the bundle`);
  }
  return {
    revision: manifest.revision,
    entrypoint: manifest.entrypoint,
    wasm: contents.get(WASM_FILE) as Uint8Array,
    data: readData(String(contents.get(DATA_FILE)), join(dir, DATA_FILE)),
  };
}

async function listFiles(dir: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  } catch (cause) {
    throw new PolicyError('bundle-missing', `${dir}: the policy bundle cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

async function readListed(dir: string, name: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  const path = join(dir, name);
  if (!Object.hasOwn(files, name)) throw new PolicyError('bundle-tampered', `${path}: the manifest does not list it`);
  const content = await readLimited(path);
  const digest = sha256(content);
  if (digest !== files[name]) {
    throw new PolicyError('bundle-tampered', `${path}: has digest ${digest}, the manifest says ${files[name]}`);
  }
  return content;
}

async function readLimited(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_FILE_BYTES) return await readFile(path);
  } catch (cause) {
    throw new PolicyError('bundle-missing', `${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  throw new PolicyError('bundle-invalid', `${path}: is larger than ${MAX_FILE_BYTES} bytes`);
}

function readData(text: string, file: string): string {
  if (!isObject(parseJson(text, file))) throw new PolicyError('bundle-invalid', `${file}: expected an object`);
  return text;
}
