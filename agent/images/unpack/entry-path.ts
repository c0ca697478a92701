import type { UnpackLimits } from './limits.ts';

/** Path of the layer's own directory. */
export const LAYER_ROOT = '.';

export type EntryPath =
  | { readonly isSafe: true; readonly path: string }
  | { readonly isSafe: false; readonly reason: string };

/**
 * Brings a name from a tar into its one form: relative, no `.`, no empty part, no slash at the end; `.` is the root.
 * Names that are absolute, climb (`..`), are not text or are too long are not safe, wherever they would lead.
 */
export function normalizeEntryPath(name: string, limits: UnpackLimits): EntryPath {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  const path = parts.join('/');
  const reason =
    (name.startsWith('/') && 'the name is absolute') ||
    (name === '' && 'the name is empty') ||
    (parts.includes('..') && 'the name climbs with ".."') ||
    (/[\0\uFFFD]/.test(name) && 'the name is not UTF-8 text') ||
    (Buffer.byteLength(path) > limits.pathBytes && `the path is longer than ${limits.pathBytes} bytes`) ||
    (parts.some((part) => Buffer.byteLength(part) > limits.nameBytes) &&
      `a name is longer than ${limits.nameBytes} bytes`);
  return reason ? { isSafe: false, reason } : { isSafe: true, path: path === '' ? LAYER_ROOT : path };
}

/** @returns the path of the directory that a path is in. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? LAYER_ROOT : path.slice(0, slash);
}

/** @returns a name in a directory of the layer. */
export function childOf(parent: string, name: string): string {
  return parent === LAYER_ROOT ? name : `${parent}/${name}`;
}
