import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { measureVerity, readXattrs } from '../../../native/index.ts';
import { type InventoryEntry, readInventory } from '../store/inventory.ts';
import type { Pace } from './pace.ts';

/** What of a stored layer is not as it was unpacked. */
export interface LayerDamage {
  /** Path in the layer; `.` is its root. */
  readonly path: string;
  /** For people, such as "its content was changed". */
  readonly what: string;
}

/** `unverifiable`: there is no whole inventory to hold the layer to. */
export type LayerVerdict =
  | { readonly state: 'whole' }
  | { readonly state: 'damaged'; readonly damage: LayerDamage }
  | { readonly state: 'unverifiable'; readonly reason: string };

const CHUNK_BYTES = 256 * 1024;

/**
 * Holds an unpacked layer to its inventory: every name, type, owner, mode, time, link and byte, and that nothing was
 * added. Stops at the first difference.
 * @param pace is told of every byte read, and slows the reading down.
 * @throws the file system's error for a disk that cannot be read, other than by a file being gone
 */
export async function verifyLayer(directory: string, inventory: string, pace: Pace): Promise<LayerVerdict> {
  let names = 0;
  try {
    for await (const entry of readInventory(inventory)) {
      const what = await difference(directory, entry, pace);
      if (what !== null) return { state: 'damaged', damage: { path: entry.path, what } };
      names += 1;
    }
  } catch (error) {
    if (!isFaultOf(inventory, error)) throw error;
    return { state: 'unverifiable', reason: `its inventory cannot be read: ${(error as Error).message}` };
  }
  const added = await findAdded(directory, inventory, names);
  return added === null ? { state: 'whole' } : { state: 'damaged', damage: { path: added, what: 'it was added' } };
}

function isFaultOf(inventory: string, error: unknown): boolean {
  const { code = '', name, path } = error as NodeJS.ErrnoException;
  return name === 'SyntaxError' || /^Z(STD)?_/.test(code) || path === inventory;
}

/** @returns what differs, or null. */
async function difference(directory: string, entry: InventoryEntry, pace: Pace): Promise<string | null> {
  const path = join(directory, entry.path);
  const stats = await lstat(path).catch(missing);
  if (stats === null) return 'it is gone';
  await pace.spend(ENTRY_COST_BYTES);
  switch (entry.type) {
    case 'directory':
      if (!stats.isDirectory()) return 'it is no directory any more';
      return ownershipDifference(entry, stats) ?? opened(path, (file) => xattrDifference(file, entry));
    case 'symlink':
      if (!stats.isSymbolicLink()) return 'it is no symbolic link any more';
      return (await readlink(path)) === entry.target ? null : 'it leads elsewhere';
    case 'fifo':
      return stats.isFIFO() ? ownershipDifference(entry, stats) : 'it is no named pipe any more';
    case 'whiteout':
      return stats.isCharacterDevice() && stats.rdev === 0 ? null : 'it is no whiteout any more';
    case 'hardlink':
      return linkDifference(directory, entry, stats);
    case 'file':
      if (!stats.isFile()) return 'it is no regular file any more';
      if (stats.size !== entry.size) return `it has ${stats.size} bytes instead of ${entry.size}`;
      return ownershipDifference(entry, stats) ?? openedFile(path, entry, pace);
    default:
      return entry.type satisfies never;
  }
}

/** A look at one name costs about as much as reading this. */
const ENTRY_COST_BYTES = 4096;

function ownershipDifference({ uid, gid, mode, mtime }: InventoryEntry, stats: Stats): string | null {
  if (stats.uid !== uid || stats.gid !== gid) return `its owner is ${stats.uid}:${stats.gid} instead of ${uid}:${gid}`;
  if ((stats.mode & 0o7777) !== mode) return `its mode is 0${(stats.mode & 0o7777).toString(8)}`;
  if (Math.floor(stats.mtimeMs / 1000) !== mtime) return 'its modification time was changed';
  return null;
}

async function linkDifference(
  directory: string,
  { target = '' }: InventoryEntry,
  stats: Stats,
): Promise<string | null> {
  const other = await lstat(join(directory, target)).catch(missing);
  return other?.ino === stats.ino ? null : `it is not the same file as ${target} any more`;
}

async function opened(path: string, look: (file: FileHandle) => Promise<string | null>): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await look(file);
  } finally {
    await file.close();
  }
}

/** What the kernel says of a file that it holds to its content, when the disk gives other bytes. */
const CHANGED_BELOW: readonly unknown[] = ['EIO', 'EBADMSG', 'EUCLEAN', 'EINVAL'];

async function openedFile(path: string, entry: InventoryEntry, pace: Pace): Promise<string | null> {
  try {
    return await opened(
      path,
      async (file) =>
        sealDifference(file, entry) ?? (await xattrDifference(file, entry)) ?? contentDifference(file, entry, pace),
    );
  } catch (error) {
    const { code, errno } = error as { readonly code?: unknown; readonly errno?: unknown };
    if (entry.verity === undefined || !(CHANGED_BELOW.includes(code) || CHANGED_BELOW.includes(errno))) throw error;
    return 'the disk has other bytes than the kernel holds it to';
  }
}

/** Whoever replaces a file cannot take its seal along. */
function sealDifference({ fd }: FileHandle, { verity }: InventoryEntry): string | null {
  if (verity === undefined || measureVerity(fd)?.toString('base64') === verity) return null;
  return 'it is not the file that the kernel was told to hold to its content';
}

/** Set by the node's own security modules and file systems, whatever a layer says. */
const OF_THE_NODE: readonly string[] = ['security.selinux', 'security.SMACK64', 'security.ima', 'security.evm'];

async function xattrDifference({ fd }: FileHandle, { xattrs }: InventoryEntry): Promise<string | null> {
  if (xattrs === undefined) return null;
  const found = readXattrs(fd);
  for (const [name, value] of Object.entries(xattrs)) {
    if (found.get(name)?.toString('base64') !== value) return `its extended attribute ${name} was changed`;
  }
  const added = [...found.keys()].find((name) => !(name in xattrs) && !OF_THE_NODE.includes(name));
  return added === undefined ? null : `it has another extended attribute, ${added}`;
}

async function contentDifference(file: FileHandle, { sha256 }: InventoryEntry, pace: Pace): Promise<string | null> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    await pace.spend(bytesRead);
  }
  return hash.digest('base64') === sha256 ? null : 'its content was changed';
}

/** @returns a name that is not in the inventory, or null. The names themselves are only compared when there are too many. */
async function findAdded(directory: string, inventory: string, expected: number): Promise<string | null> {
  let count = 1;
  for await (const _ of namesBelow(directory)) count += 1;
  if (count <= expected) return null;
  const known = new Set<string>();
  for await (const { path } of readInventory(inventory)) known.add(path);
  for await (const name of namesBelow(directory)) if (!known.has(name)) return name;
  return null;
}

async function* namesBelow(directory: string, below = ''): AsyncGenerator<string> {
  for await (const entry of await opendir(join(directory, below))) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    yield name;
    if (entry.isDirectory()) yield* namesBelow(directory, name);
  }
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
