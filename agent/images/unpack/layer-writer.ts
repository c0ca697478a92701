import { createHash } from 'node:crypto';
import { closeSync, write } from 'node:fs';
import { promisify } from 'node:util';
import type { Directory, FileAttributes, FileKind } from '../../../native/index.ts';
import type { InventoryEntry, InventoryWriter } from '../store/inventory.ts';
import { LAYER_ROOT, parentOf } from './entry-path.ts';
import type { LayerEntry } from './layer-entry.ts';
import { type LayerName, refuse } from './refusal.ts';

/** What a directory gets that the layer uses but never describes. */
const IMPLICIT_DIRECTORY: FileAttributes = { uid: 0, gid: 0, mode: 0o755, mtimeSeconds: 0 };

const writeChunk = promisify(write);

/** Puts the entries of a layer into a directory, in the form overlayfs reads (kernel overlayfs.rst). */
export class LayerWriter {
  readonly #root: Directory;
  readonly #layer: LayerName;
  readonly #inventory: InventoryWriter;
  /** Every directory of the layer, with what it gets once nothing more is put into it. */
  readonly #directories = new Map<string, FileAttributes>([[LAYER_ROOT, IMPLICIT_DIRECTORY]]);

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
  async apply(entry: LayerEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { path } = entry;
    if (path !== LAYER_ROOT) this.#ensureDirectory(parentOf(path));
    switch (entry.type) {
      case 'directory':
        this.#placeDirectory(path);
        this.#directories.set(path, entry.attributes);
        return;
      case 'file':
        await this.#placeFile(path, entry.attributes, content);
        if (entry.capability) this.#root.setXattr(path, 'security.capability', entry.capability);
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
    for (const [path, attributes] of this.#directories) {
      this.#root.setAttributes(path, attributes);
      await this.#inventory.add({ type: 'directory', path, ...ownership(attributes) });
    }
  }

  #ensureDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    this.#ensureDirectory(parentOf(path));
    const kind = this.#root.kind(path);
    if (kind !== null && kind !== 'whiteout') throw refuse(this.#layer, path, `it is a ${kind}, not a directory`);
    this.#placeDirectory(path);
    this.#directories.set(path, IMPLICIT_DIRECTORY);
  }

  /** A directory in place of a whiteout is new: what lower layers have there stays hidden. */
  #placeDirectory(path: string): void {
    const kind = this.#root.kind(path);
    if (kind === 'directory') return;
    if (kind !== null) this.#free(path);
    this.#root.makeDirectory(path);
    if (kind === 'whiteout') this.#hideLower(path);
  }

  async #placeFile(path: string, attributes: FileAttributes, content: AsyncIterable<Uint8Array>): Promise<void> {
    this.#clear(path);
    const fd = this.#root.createFile(path);
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const chunk of content) {
        hash.update(chunk);
        size += chunk.length;
        await writeAll(fd, chunk);
      }
    } finally {
      closeSync(fd);
    }
    this.#root.setAttributes(path, attributes);
    await this.#inventory.add({ type: 'file', path, ...ownership(attributes), size, sha256: hash.digest('base64') });
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
    this.#root.setXattr(path, 'trusted.overlay.opaque', Buffer.from('y'));
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

async function writeAll(fd: number, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) {
    offset += (await writeChunk(fd, chunk, offset, chunk.length - offset)).bytesWritten;
  }
}
