import { createHash, type Hash } from 'node:crypto';
import { closeSync, ftruncateSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Directory, FileAttributes, FileKind } from '../../../native/index.ts';
import type { InventoryEntry, InventoryWriter } from '../store/inventory.ts';
import { LAYER_ROOT, parentOf } from './entry-path.ts';
import type { ExtendedAttributes } from './extended-attributes.ts';
import type { FileContent } from './file-content.ts';
import type { FileChange, LayerEntry } from './layer-entry.ts';
import { type LayerName, refuse } from './refusal.ts';

/** What a directory gets that the layer uses but never describes. */
const IMPLICIT_DIRECTORY: FileAttributes = { uid: 0, gid: 0, mode: 0o755, mtimeSeconds: 0 };

/** What marks a directory that hides what lower layers have there. */
const OPAQUE: ExtendedAttributes = { 'trusted.overlay.opaque': Buffer.from('y') };

interface DirectoryState {
  readonly attributes: FileAttributes;
  readonly xattrs: ExtendedAttributes;
}

/** A trip through the thread pool costs more than copying this much. */
const SMALL_BYTES = 32 * 1024;

/** After so much of a file the disk is told to begin. */
const WRITEBACK_BYTES = 8 * 1024 * 1024;

const ZEROS = Buffer.alloc(64 * 1024);

const writeChunk = promisify(write);

/** Puts the entries of a layer into a directory, in the form overlayfs reads (kernel overlayfs.rst). */
export class LayerWriter {
  readonly #root: Directory;
  readonly #layer: LayerName;
  readonly #inventory: InventoryWriter;
  /** Every directory of the layer, with what it gets once nothing more is put into it. */
  readonly #directories = new Map<string, DirectoryState>([
    [LAYER_ROOT, { attributes: IMPLICIT_DIRECTORY, xattrs: {} }],
  ]);

  /**
   * @param root the empty directory to write to; nothing outside it is ever reached.
   * @param inventory is told of every name, as it is once the layer is whole.
   */
  constructor(root: Directory, layer: LayerName, inventory: InventoryWriter) {
    this.#root = root;
    this.#layer = layer;
    this.#inventory = inventory;
  }

  /**
   * Makes one entry. A later entry of the same name wins, except that a directory never gives way to something else.
   * @throws ImageError `bad-layer` when it contradicts an earlier entry; BackendError from the kernel
   */
  async apply(entry: LayerEntry, content: FileContent): Promise<void> {
    const { path } = entry;
    if (path !== LAYER_ROOT) this.#ensureDirectory(parentOf(path));
    switch (entry.type) {
      case 'directory':
        this.#placeDirectory(path);
        this.#describe(path, entry.attributes, entry.xattrs);
        return;
      case 'file':
        await this.#placeFile(path, entry, content);
        return;
      case 'fifo':
        this.#clear(path);
        this.#root.fifo(path);
        this.#root.setAttributes(path, entry.attributes);
        await this.#inventory.add({ type: 'fifo', path, ...ownership(entry.attributes) });
        return;
      case 'symlink':
        this.#clear(path);
        this.#root.symlink(path, entry.target);
        this.#root.setAttributes(path, entry.attributes);
        await this.#inventory.add({ type: 'symlink', path, target: entry.target });
        return;
      case 'hardlink':
        this.#placeHardlink(path, entry.existing);
        await this.#inventory.add({ type: 'hardlink', path, target: entry.existing });
        return;
      case 'whiteout':
        await this.#placeWhiteout(path);
        return;
      case 'opaque':
        this.#ensureDirectory(path);
        this.#hideLower(path);
        return;
      default:
        entry satisfies never;
    }
  }

  /** Sets owner, mode and time of the directories. To be called once, after the last entry. */
  async finish(): Promise<void> {
    for (const [path, { attributes, xattrs }] of this.#directories) {
      this.#setXattrs(path, xattrs);
      this.#root.setAttributes(path, attributes);
      await this.#inventory.add({ type: 'directory', path, ...ownership(attributes), ...noted(xattrs) });
    }
  }

  #ensureDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    this.#ensureDirectory(parentOf(path));
    const kind = this.#root.kind(path);
    if (kind !== null && kind !== 'whiteout') throw refuse(this.#layer, path, `it is a ${kind}, not a directory`);
    this.#placeDirectory(path);
    if (!this.#directories.has(path)) this.#directories.set(path, { attributes: IMPLICIT_DIRECTORY, xattrs: {} });
  }

  /** What was hidden stays hidden, whatever describes the directory later. */
  #describe(path: string, attributes: FileAttributes, xattrs: ExtendedAttributes): void {
    const before = this.#directories.get(path)?.xattrs ?? {};
    const hidden = Object.keys(OPAQUE).some((name) => name in before) ? OPAQUE : {};
    this.#directories.set(path, { attributes, xattrs: { ...xattrs, ...hidden } });
  }

  /** A directory in place of a whiteout is new: what lower layers have there stays hidden. */
  #placeDirectory(path: string): void {
    const kind = this.#root.kind(path);
    if (kind === 'directory') return;
    if (kind !== null) this.#free(path);
    this.#root.makeDirectory(path);
    if (kind === 'whiteout') this.#hideLower(path);
  }

  async #placeFile(
    path: string,
    { attributes, xattrs }: FileChange,
    { size: wholeSize, parts }: FileContent,
  ): Promise<void> {
    const fd = this.#createFile(path);
    const hash = createHash('sha256');
    let [size, flushed] = [0, 0];
    try {
      for await (const { offset, chunk } of parts) {
        hashZeros(hash, offset - size);
        hash.update(chunk);
        await writeAll(fd, chunk, offset);
        size = offset + chunk.length;
        if (size - flushed < WRITEBACK_BYTES) continue;
        await this.#root.startWriteback(fd, flushed, size - flushed);
        flushed = size;
      }
      if (wholeSize !== null && wholeSize > size) {
        hashZeros(hash, wholeSize - size);
        ftruncateSync(fd, wholeSize);
        size = wholeSize;
      }
      this.#root.setFileAttributes(fd, attributes);
    } finally {
      closeSync(fd);
    }
    // After the owner: chown(2) takes capabilities away.
    this.#setXattrs(path, xattrs);
    const sha256 = hash.digest('base64');
    await this.#inventory.add({ type: 'file', path, ...ownership(attributes), size, sha256, ...noted(xattrs) });
  }

  /** A name is rarely taken. */
  #createFile(path: string): number {
    try {
      return this.#root.createFile(path);
    } catch (error) {
      if ((error as { readonly errno?: unknown }).errno !== 'EEXIST') throw error;
      this.#clear(path);
      return this.#root.createFile(path);
    }
  }

  #setXattrs(path: string, xattrs: ExtendedAttributes): void {
    for (const [name, value] of Object.entries(xattrs)) this.#root.setXattr(path, name, value);
  }

  #placeHardlink(path: string, existing: string): void {
    const kind = this.#root.kind(existing);
    const canBeLinked: readonly (FileKind | null)[] = ['file', 'symlink', 'fifo'];
    if (!canBeLinked.includes(kind)) {
      throw refuse(this.#layer, path, `its link target ${existing} is ${kind ? `a ${kind}` : 'not in the layer'}`);
    }
    if (path === existing) throw refuse(this.#layer, path, 'it is a link to itself');
    this.#clear(path);
    this.#root.link(path, existing);
  }

  async #placeWhiteout(path: string): Promise<void> {
    const kind = this.#root.kind(path);
    if (kind === 'directory') this.#hideLower(path);
    if (kind !== null) return;
    this.#root.whiteout(path);
    await this.#inventory.add({ type: 'whiteout', path });
  }

  #hideLower(path: string): void {
    const { attributes, xattrs } = this.#directories.get(path) ?? { attributes: IMPLICIT_DIRECTORY, xattrs: {} };
    this.#directories.set(path, { attributes, xattrs: { ...xattrs, ...OPAQUE } });
  }

  /** Makes a name free for something that is not a directory. */
  #clear(path: string): void {
    const kind = this.#root.kind(path);
    if (kind === 'directory') throw refuse(this.#layer, path, 'the layer has a directory of that name');
    if (kind !== null) this.#free(path);
  }

  #free(path: string): void {
    this.#root.remove(path);
    this.#inventory.replace(path);
  }
}

function ownership({ uid, gid, mode, mtimeSeconds }: FileAttributes): Partial<InventoryEntry> {
  return { uid, gid, mode, mtime: mtimeSeconds };
}

/** In the inventory's form. */
function noted(xattrs: ExtendedAttributes): Partial<InventoryEntry> {
  const entries = Object.entries(xattrs);
  if (entries.length === 0) return {};
  return { xattrs: Object.fromEntries(entries.map(([name, value]) => [name, value.toString('base64')])) };
}

function hashZeros(hash: Hash, bytes: number): void {
  for (let left = bytes; left > 0; left -= ZEROS.length) hash.update(ZEROS.subarray(0, left));
}

async function writeAll(fd: number, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const left = chunk.length - done;
    done +=
      left <= SMALL_BYTES
        ? writeSync(fd, chunk, done, left, position + done)
        : (await writeChunk(fd, chunk, done, left, position + done)).bytesWritten;
  }
}
