import { PolicyError } from '../errors.ts';
import { type BundleManifest, WASM_FILE } from './bundle.ts';

/**
 * Reads the text of a bundle's `.manifest`.
 * @param file where it was read, for the error.
 * @throws PolicyError `bundle-invalid` naming the field.
 */
export function parseManifest(text: string, file: string): BundleManifest {
  const manifest = objectAt(parseJson(text, file), 'the document', file);
  const metadata = objectAt(manifest.metadata, 'metadata', file);
  const files = objectAt(metadata.files, 'metadata.files', file);
  return {
    revision: digestAt(manifest.revision, 'revision', file),
    entrypoint: entrypointAt(manifest.wasm, file),
    files: Object.fromEntries(
      Object.entries(files).map(([name, digest]) => [name, digestAt(digest, `metadata.files["${name}"]`, file)]),
    ),
  };
}

/**
 * Parses JSON text of a bundle.
 * @throws PolicyError `bundle-invalid`
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PolicyError('bundle-invalid', `${file}: is not JSON; build the bundle again`, { cause });
  }
}

/** @returns whether a JSON value is an object, and neither null nor an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entrypointAt(wasm: unknown, file: string): string {
  const resolvers: readonly unknown[] = Array.isArray(wasm) ? wasm : [];
  const [resolver] = resolvers;
  if (resolvers.length !== 1 || !isObject(resolver)) throw wrong('wasm', 'a list with one resolver', file);
  if (resolver.module !== `/${WASM_FILE}`) throw wrong('wasm[0].module', `"/${WASM_FILE}"`, file);
  if (typeof resolver.entrypoint !== 'string' || resolver.entrypoint === '') {
    throw wrong('wasm[0].entrypoint', 'the path of a rule', file);
  }
  return resolver.entrypoint;
}

function objectAt(value: unknown, field: string, file: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw wrong(field, 'an object', file);
  return value;
}

function digestAt(value: unknown, field: string, file: string): string {
  if (typeof value !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(value)) {
    throw wrong(field, '"sha256:" and 64 hex digits', file);
  }
  return value;
}

function wrong(field: string, expected: string, file: string): PolicyError {
  return new PolicyError('bundle-invalid', `${file}: ${field}: expected ${expected}; build the bundle again`);
}
