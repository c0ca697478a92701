import type { Git } from './git-command.ts';
import type { GitLimits } from './options.ts';
import { type ManifestFile, SourceError } from './source.ts';
import { parseTree, type TreeEntry } from './tree-entry.ts';
import { oddName } from './tree-name.ts';

/** Which part of which commit to read, and how much at most. */
export interface TreeRequest {
  readonly commit: string;
  readonly path: string;
  readonly limits: Pick<GitLimits, 'fileBytes' | 'files' | 'totalBytes'>;
}

/** A tree listing larger than this is not one of manifests. */
const LISTING_BYTES = 8 * 1024 * 1024;
const MANIFEST = /\.(yaml|yml|json)$/;

/**
 * Reads the manifests of a verified commit straight from git's objects; nothing is ever checked out.
 * @returns them sorted by path.
 * @throws SourceError `not-found` without such a folder, `unsafe-tree` for links, submodules, odd names and text that is not UTF-8,
 * `too-large` beyond the limits.
 */
export async function readManifests(git: Git, request: TreeRequest): Promise<readonly ManifestFile[]> {
  const tree = await findTree(git, request);
  const listing = await git.read({ args: ['ls-tree', '-r', '-z', '--long', tree], maxOutputBytes: LISTING_BYTES });
  const entries = parseTree(listing, request.commit).map((entry) => ({
    ...entry,
    path: join(request.path, entry.path),
  }));
  for (const entry of entries) checkEntry(entry, request.commit);
  const manifests = entries.filter((entry) => MANIFEST.test(entry.path));
  checkSizes(manifests, request);
  return (await readTexts(git, manifests, request)).sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function findTree(git: Git, { commit, path }: TreeRequest): Promise<string> {
  const answer = await git.read({ args: ['cat-file', '--batch-check'], input: `${commit}:${path}\n` });
  const [id = '', type] = answer.toString('utf8').trim().split(' ');
  if (/^[0-9a-f]{40}$/.test(id) && type === 'tree') return id;
  throw new SourceError('not-found', `commit ${commit} has no folder ${path}; create it, or correct source.path`, {
    commit,
  });
}

function checkEntry(entry: TreeEntry, commit: string): void {
  const name = JSON.stringify(entry.path);
  if (entry.kind !== 'file') {
    throw new SourceError(
      'unsafe-tree',
      `${name} in commit ${commit} is a ${entry.kind}; only regular files are read`,
      { commit },
    );
  }
  const odd = oddName(entry.path);
  if (odd) throw new SourceError('unsafe-tree', `${name} in commit ${commit} ${odd}; rename it`, { commit });
}

function checkSizes(manifests: readonly TreeEntry[], { commit, limits }: TreeRequest): void {
  const refuse = (message: string): never => {
    throw new SourceError('too-large', `commit ${commit} ${message}`, { commit });
  };
  if (manifests.length > limits.files)
    refuse(`has ${manifests.length} manifest files; at most ${limits.files} are read`);
  for (const { path, size } of manifests) {
    if (size > limits.fileBytes) refuse(`has ${path} with ${size} bytes; at most ${limits.fileBytes} are read`);
  }
  const total = manifests.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.totalBytes) refuse(`has ${total} bytes of manifests; at most ${limits.totalBytes} are read`);
}

/** One `git cat-file --batch` for all: a line `<id> <type> <size>`, the content and a newline for each. */
async function readTexts(git: Git, entries: readonly TreeEntry[], { commit }: TreeRequest): Promise<ManifestFile[]> {
  if (entries.length === 0) return [];
  const bytes = entries.reduce((sum, { size }) => sum + size + 100, 0);
  const input = entries.map(({ id }) => `${id}\n`).join('');
  const answer = await git.read({ args: ['cat-file', '--batch'], input, maxOutputBytes: bytes });
  let at = 0;
  return entries.map(({ id, path, size }) => {
    const header = Buffer.from(`${id} blob ${size}\n`);
    if (!answer.subarray(at, at + header.length).equals(header)) {
      throw new SourceError('local-copy', `the local copy lacks ${path} of commit ${commit}`, { commit });
    }
    const start = at + header.length;
    at = start + size + 1;
    return { path, text: decode(answer.subarray(start, start + size), path, commit) };
  });
}

function decode(content: Uint8Array, path: string, commit: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw new SourceError('unsafe-tree', `${path} in commit ${commit} is not UTF-8 text; save it as UTF-8`, {
      commit,
      cause,
    });
  }
}

function join(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}
