import type { Header } from 'tar-stream';
import type { FileAttributes } from '../../../native/index.ts';
import { childOf, LAYER_ROOT, normalizeEntryPath, parentOf } from './entry-path.ts';
import { type ExtendedAttributes, isAttribute, readExtendedAttributes } from './extended-attributes.ts';
import type { UnpackLimits } from './limits.ts';
import type { RawHeader } from './raw-header.ts';
import { type LayerName, refuse } from './refusal.ts';
import { isSparseKey, readGnuSparse, readPaxSparse, type SparseFile } from './sparse-map.ts';

/** One change a layer makes, checked and in the words of the file system (OCI image-spec, layer.md). */
export type LayerEntry = { readonly path: string } & (
  | FileChange
  | { readonly type: 'directory'; readonly attributes: FileAttributes; readonly xattrs: ExtendedAttributes }
  | { readonly type: 'fifo'; readonly attributes: FileAttributes }
  | { readonly type: 'symlink'; readonly attributes: FileAttributes; readonly target: string }
  | { readonly type: 'hardlink'; readonly existing: string }
  | { readonly type: 'whiteout' | 'opaque' }
);

/** A regular file that a layer brings. */
export interface FileChange {
  readonly type: 'file';
  readonly attributes: FileAttributes;
  readonly xattrs: ExtendedAttributes;
  /** Of a file with holes. */
  readonly sparse: SparseFile | null;
}

const WHITEOUT = '.wh.';
/** Marks a directory whose lower content is hidden; other `.wh..wh.` names are notes that AUFS made for itself. */
const OPAQUE = '.wh..wh..opq';
const AUFS_NOTE = '.wh..wh.';

/** A tar header as the reader has it, and its bytes for what it does not say. */
export interface EntryHeader {
  readonly header: Header;
  readonly raw: () => RawHeader;
}

/**
 * Reads one tar header.
 * @returns the change it asks for, or null for AUFS bookkeeping that asks for none.
 * @throws ImageError `bad-layer`
 */
export function readLayerEntry(of: EntryHeader, layer: LayerName, limits: UnpackLimits): LayerEntry | null {
  const { header } = of;
  const sparse = readSparse(of, layer);
  const written = sparse?.name ?? header.name;
  const path = safePath(written, written, layer, limits);
  if (path.split('/').some((part) => part.startsWith(AUFS_NOTE) && part !== OPAQUE)) return null;
  if (
    parentOf(path)
      .split('/')
      .some((part) => part.startsWith(WHITEOUT))
  ) {
    throw refuse(layer, header.name, 'a whiteout has no content');
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith(WHITEOUT)) return readWhiteout(path, name, header.name, layer);
  return sparse ? readSparseFile(path, sparse, of, layer) : readNode(path, of, layer, limits);
}

function readWhiteout(path: string, name: string, written: string, layer: LayerName): LayerEntry {
  const parent = parentOf(path);
  if (name === OPAQUE && parent === LAYER_ROOT) {
    throw refuse(layer, written, 'the root of a layer cannot be opaque: build the image from scratch instead');
  }
  if (name === OPAQUE) return { type: 'opaque', path: parent };
  const hidden = name.slice(WHITEOUT.length);
  if (['', '.', '..'].includes(hidden)) throw refuse(layer, written, 'the whiteout names no file');
  return { type: 'whiteout', path: childOf(parent, hidden) };
}

/** A sparse file of GNU's own type, which the tar reader has no word for. */
const GNU_SPARSE = 'S'.charCodeAt(0);

function readSparse({ header, raw }: EntryHeader, layer: LayerName): SparseFile | null {
  if (header.type === null && raw().block[156] === GNU_SPARSE) return readGnuSparse(raw(), header.name, layer);
  if (!keysOf(header).some(isSparseKey)) return null;
  const sparse = readPaxSparse(raw(), header.name, layer);
  if (sparse) return sparse;
  throw refuse(layer, header.name, 'its sparse map is in a header for all files');
}

function readSparseFile(path: string, sparse: SparseFile, of: EntryHeader, layer: LayerName): LayerEntry {
  const { header } = of;
  if (path === LAYER_ROOT) throw refuse(layer, header.name, 'the root must be a directory');
  if (header.type !== null && header.type !== 'file') throw refuse(layer, header.name, `a ${header.type} has no holes`);
  return { type: 'file', path, attributes: readAttributes(header, layer), xattrs: readXattrs(of, layer), sparse };
}

function readXattrs({ header, raw }: EntryHeader, layer: LayerName): ExtendedAttributes {
  const keys = keysOf(header).filter(isAttribute);
  if (keys.length === 0) return {};
  const { records } = raw();
  if (keys.every((key) => records.some((record) => record.key === key))) {
    return readExtendedAttributes(records, header.name, layer);
  }
  throw refuse(layer, header.name, 'extended attributes in a header for all files are not supported');
}

function keysOf(header: Header): readonly string[] {
  return header.pax ? Object.keys(header.pax) : [];
}

function readNode(path: string, of: EntryHeader, layer: LayerName, limits: UnpackLimits): LayerEntry {
  const { header } = of;
  const isFile = header.type === 'file' || header.type === 'contiguous-file';
  if (!isFile && header.size) throw refuse(layer, header.name, `a ${header.type} cannot have content`);
  if (path === LAYER_ROOT && header.type !== 'directory')
    throw refuse(layer, header.name, 'the root must be a directory');
  const attributes = readAttributes(header, layer);
  const xattrs = header.type === 'link' ? {} : readXattrs(of, layer);
  if (isFile) return { type: 'file', path, attributes, xattrs, sparse: null };
  switch (header.type) {
    case 'directory':
      return { type: 'directory', path, attributes, xattrs };
    case 'fifo':
      return { type: 'fifo', path, attributes };
    case 'symlink':
      return { type: 'symlink', path, attributes, target: linkTarget(header, layer) };
    case 'link':
      return { type: 'hardlink', path, existing: safePath(linkTarget(header, layer), header.name, layer, limits) };
    default:
      throw refuse(layer, header.name, `a layer may not hold a ${header.type ?? 'file of unknown type'}`);
  }
}

/** Extended header records (pax(1)), all of them text. */
function paxRecords(header: Header): Readonly<Record<string, string | undefined>> {
  return (header.pax ?? {}) as Readonly<Record<string, string | undefined>>;
}

function linkTarget(header: Header, layer: LayerName): string {
  const target = header.linkname ?? '';
  if (target === '') throw refuse(layer, header.name, 'the link has no target');
  if (/[\0\uFFFD]/.test(target)) throw refuse(layer, header.name, 'the link target is not UTF-8 text');
  if (Buffer.byteLength(target) > 4095) throw refuse(layer, header.name, 'the link target is longer than 4095 bytes');
  return target;
}

function safePath(name: string, entry: string, layer: LayerName, limits: UnpackLimits): string {
  const result = normalizeEntryPath(name, limits);
  if (result.isSafe) return result.path;
  throw refuse(layer, entry, name === entry ? result.reason : `link target ${JSON.stringify(name)}: ${result.reason}`);
}

/** The pax records win over the header's fields, which hold only 21 bits of an id and whole seconds. */
function readAttributes(header: Header, layer: LayerName): FileAttributes {
  const pax = paxRecords(header);
  const uid = Number(pax.uid ?? header.uid);
  const gid = Number(pax.gid ?? header.gid);
  const mode = Number(header.mode);
  const mtimeSeconds = Math.floor(Number(pax.mtime ?? header.mtime.getTime() / 1000));
  const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < 0xffff_ffff;
  if (!isId(uid) || !isId(gid)) throw refuse(layer, header.name, `the owner ${uid}:${gid} is not a user and group id`);
  if (!Number.isInteger(mode) || mode < 0) throw refuse(layer, header.name, 'the mode is not a number');
  if (!Number.isSafeInteger(mtimeSeconds)) throw refuse(layer, header.name, 'the modification time is not a number');
  return { uid, gid, mode: mode & 0o7777, mtimeSeconds };
}
