import type { Header } from 'tar-stream';
import type { FileAttributes } from '../../../native/index.ts';
import { childOf, LAYER_ROOT, normalizeEntryPath, parentOf } from './entry-path.ts';
import type { UnpackLimits } from './limits.ts';
import { type LayerName, refuse } from './refusal.ts';

/** One change a layer makes, checked and in the words of the file system (OCI image-spec, layer.md). */
export type LayerEntry = { readonly path: string } & (
  | {
      readonly type: 'directory' | 'file' | 'fifo';
      readonly attributes: FileAttributes;
      readonly capability: Buffer | null;
    }
  | { readonly type: 'symlink'; readonly attributes: FileAttributes; readonly target: string }
  | { readonly type: 'hardlink'; readonly existing: string }
  | { readonly type: 'whiteout' | 'opaque' }
);

const WHITEOUT = '.wh.';
/** Marks a directory whose lower content is hidden; other `.wh..wh.` names are notes that AUFS made for itself. */
const OPAQUE = '.wh..wh..opq';
const AUFS_NOTE = '.wh..wh.';

/**
 * Reads one tar header.
 * @returns the change it asks for, or null for AUFS bookkeeping that asks for none.
 * @throws ImageError `bad-layer`
 */
export function readLayerEntry(header: Header, layer: LayerName, limits: UnpackLimits): LayerEntry | null {
  const path = safePath(header.name, header.name, layer, limits);
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
  return readNode(path, header, layer, limits);
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

function readNode(path: string, header: Header, layer: LayerName, limits: UnpackLimits): LayerEntry {
  const isFile = header.type === 'file' || header.type === 'contiguous-file';
  const pax = paxRecords(header);
  if (Object.keys(pax).some((key) => key.startsWith('GNU.sparse'))) {
    throw refuse(layer, header.name, 'sparse files are not supported');
  }
  if (!isFile && header.size) throw refuse(layer, header.name, `a ${header.type} cannot have content`);
  if (path === LAYER_ROOT && header.type !== 'directory')
    throw refuse(layer, header.name, 'the root must be a directory');
  const attributes = readAttributes(header, layer);
  const capability = readCapability(pax['SCHILY.xattr.security.capability']);
  if (isFile) return { type: 'file', path, attributes, capability };
  switch (header.type) {
    case 'directory':
    case 'fifo':
      return { type: header.type, path, attributes, capability: null };
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

/**
 * File capabilities in the kernel's revision 2 (20 bytes). One that does not arrive whole, as text that is not UTF-8
 * does not, is left off: the program then has less privilege, never more. No other attribute is taken from a layer.
 */
function readCapability(value: string | undefined): Buffer | null {
  const bytes = Buffer.from(value ?? '', 'utf8');
  return bytes.length === 20 && bytes[3] === 2 ? bytes : null;
}
