import { createHmac, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, chown, lstat, mkdir, open, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../native/index.ts';
import type { ProjectedFile } from './projected-files.ts';

/** Who owns the files, as the node sees the ids. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** How the files of a volume stand against what they should be. */
export type FilesState = 'current' | 'missing' | 'outdated' | 'tampered';

/** The link all names of the volume lead through: exchanging it changes all files at once. */
const DATA = '..data';
/** Names of the directories behind it. */
const SHOWN = /^\.\.[0-9a-f]{32}$/;
const DIRECTORY_MODE = 0o755;
/** What one ConfigMap or Secret holds at most is in no file more. */
const LARGEST_BYTES = 1024 * 1024;

/**
 * Writes the files of a volume as kubelet does: into a directory of their own, which then becomes the one that is shown,
 * so that a reader sees the old files or the new ones, never a mixture. The directory's name is a digest of all that is
 * in it. Its directories are the node's root's: a pod that may make its mount writable again, by a capability over its
 * own mounts, plants no link in it for the agent to follow.
 * @param key of the node.
 */
export async function writeVolumeFiles(
  volume: string,
  files: readonly ProjectedFile[],
  owner: FileOwner,
  key: Uint8Array,
): Promise<void> {
  const name = directoryName(files, owner, key);
  await closeDirectory(volume);
  await removeTree(join(volume, name));
  await makeDirectory(join(volume, name));
  const made = new Set<string>();
  for (const file of files) await writeOne(join(volume, name), file, owner, made);
  await point(volume, DATA, name);
  const tops = new Set(files.map(({ path }) => path.split('/')[0] ?? path));
  for (const top of tops) await point(volume, top, `${DATA}/${top}`);
  for (const entry of await readdir(volume))
    if (entry !== DATA && entry !== name && !tops.has(entry)) await removeTree(join(volume, entry));
}

/** @returns how a volume stands. @throws the file system's error when it cannot be read. */
export async function inspectVolumeFiles(
  volume: string,
  files: readonly ProjectedFile[],
  owner: FileOwner,
  key: Uint8Array,
): Promise<FilesState> {
  const shown = await readlink(join(volume, DATA)).catch(() => null);
  if (shown === null) return (await readdir(volume)).length === 0 ? 'missing' : 'tampered';
  if (!SHOWN.test(shown) || !(await isClosed(volume)) || !(await isClosed(join(volume, shown)))) return 'tampered';
  const found = await readFiles(join(volume, shown), owner).catch(() => null);
  if (found === null || directoryName(found, owner, key) !== shown) return 'tampered';
  const tops = new Set(found.map(({ path }) => path.split('/')[0] ?? path));
  const entries = (await readdir(volume)).filter((entry) => entry !== DATA && entry !== shown);
  if (entries.length !== tops.size) return 'tampered';
  for (const top of tops)
    if ((await readlink(join(volume, top)).catch(() => null)) !== `${DATA}/${top}`) return 'tampered';
  return shown === directoryName(files, owner, key) ? 'current' : 'outdated';
}

function directoryName(files: readonly ProjectedFile[], { uid, gid }: FileOwner, key: Uint8Array): string {
  const hash = createHmac('sha256', key).update(JSON.stringify([uid, gid]));
  for (const { path, mode, bytes } of files) hash.update(JSON.stringify([path, mode, bytes.length])).update(bytes);
  return `..${hash.digest('hex').slice(0, 32)}`;
}

async function writeOne(root: string, { path, mode, bytes }: ProjectedFile, owner: FileOwner, made: Set<string>) {
  const above = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= above.length; depth += 1) {
    const directory = join(root, ...above.slice(0, depth));
    if (!made.has(directory)) await makeDirectory(directory);
    made.add(directory);
  }
  const file = join(root, path);
  await writeFile(file, bytes, { flag: 'wx', mode: 0o600 });
  await chown(file, owner.uid, owner.gid);
  await chmod(file, mode);
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: DIRECTORY_MODE });
  await closeDirectory(path);
}

async function closeDirectory(path: string): Promise<void> {
  await chown(path, 0, 0);
  await chmod(path, DIRECTORY_MODE);
}

/** Whether a directory is one that nobody but the node's root writes to. */
async function isClosed(path: string): Promise<boolean> {
  const about = await lstat(path).catch(() => null);
  if (about === null) return false;
  return about.isDirectory() && about.uid === 0 && (about.mode & 0o7777) === DIRECTORY_MODE;
}

/** Exchanges a link at once, whatever stands in its place. */
async function point(volume: string, name: string, target: string): Promise<void> {
  const path = join(volume, name);
  if ((await readlink(path).catch(() => null)) === target) return;
  const temporary = join(volume, `..tmp-${randomBytes(6).toString('hex')}`);
  await symlink(target, temporary);
  if ((await lstat(path).catch(() => null))?.isDirectory()) await rm(path, { recursive: true, force: true });
  await rename(temporary, path);
}

/** All regular files below a directory, as they are; anything else in it, or of another owner, is not of our making. */
async function readFiles(root: string, owner: FileOwner): Promise<readonly ProjectedFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files: ProjectedFile[] = [];
  for (const entry of entries) {
    const full = join(entry.parentPath, entry.name);
    if (entry.isDirectory() && (await isClosed(full))) continue;
    if (!entry.isFile()) throw new Error(`${full} is no file`);
    files.push({ path: full.slice(root.length + 1), ...(await readOne(full, owner)) });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

/** The pod may make its own files as long as it likes, while they are read too. */
async function readOne(path: string, owner: FileOwner): Promise<Pick<ProjectedFile, 'mode' | 'bytes'>> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { uid, gid, mode, size } = await file.stat();
    if (uid !== owner.uid || gid !== owner.gid) throw new Error(`${path} has another owner`);
    if (size > LARGEST_BYTES) throw new Error(`${path} is longer than any file of ours`);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = size === 0 ? { bytesRead: 0 } : await file.read(bytes, 0, size, 0);
    return { mode: mode & 0o7777, bytes: bytes.subarray(0, bytesRead) };
  } finally {
    await file.close();
  }
}
