import { SourceError } from './source.ts';

/** One leaf of a tree. */
export interface TreeEntry {
  readonly path: string;
  readonly kind: 'file' | 'symbolic link' | 'submodule' | 'file of unknown mode';
  /** Object id. */
  readonly id: string;
  /** Bytes; 0 for a submodule. */
  readonly size: number;
}

const KINDS: Readonly<Record<string, TreeEntry['kind']>> = {
  '100644': 'file',
  '100755': 'file',
  '120000': 'symbolic link',
  '160000': 'submodule',
};

/**
 * Reads the output of `git ls-tree -r -z --long`: `<mode> <type> <id> <size>\t<path>\0`, names as raw bytes.
 * @throws SourceError `unsafe-tree` for a name that is not UTF-8.
 */
export function parseTree(listing: Uint8Array, commit: string): readonly TreeEntry[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(listing);
  } catch (cause) {
    throw new SourceError('unsafe-tree', `a file name in commit ${commit} is not UTF-8; rename it`, { commit, cause });
  }
  return text
    .split('\0')
    .slice(0, -1)
    .map((line) => parseEntry(line, commit));
}

function parseEntry(line: string, commit: string): TreeEntry {
  const match = /^(\d{6}) \w+ ([0-9a-f]{40}) +(\d+|-)\t(.*)$/s.exec(line);
  if (!match)
    throw new SourceError('unsafe-tree', `cannot understand the tree of commit ${commit}: ${JSON.stringify(line)}`, {
      commit,
    });
  const [, mode = '', id = '', size = '', path = ''] = match;
  return { path, id, kind: KINDS[mode] ?? 'file of unknown mode', size: size === '-' ? 0 : Number(size) };
}
