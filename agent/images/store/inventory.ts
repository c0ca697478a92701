import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';

/** One name of an unpacked layer and what is there. Times are whole seconds; `sha256` is of a file's content, base64. */
export interface InventoryEntry {
  readonly type: 'file' | 'directory' | 'symlink' | 'fifo' | 'whiteout' | 'hardlink';
  readonly path: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly size?: number;
  readonly sha256?: string;
  /** Of a symlink: its text. Of a hard link: the other name. */
  readonly target?: string;
  /** Extended attributes of a file or directory, values in base64; absent where they are not known. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** Of a file that the kernel holds to its content: the fs-verity digest, base64. */
  readonly verity?: string;
}

/** Notes what a layer consists of while it is unpacked. */
export interface InventoryWriter {
  /** Adds an entry; a promise only when the disk is behind. */
  add(entry: InventoryEntry): Promise<void> | undefined;
  /** The entry noted for a path does not hold any more: something else took its name. */
  replace(path: string): void;
  /** Ends the file. @throws the file system's error */
  finish(): Promise<void>;
  /** Gives the file up. */
  abandon(): void;
}

/** Text is handed to the compressor in pieces of about this size. */
const PIECE_CHARS = 64 * 1024;

/** The first line says it. Those of older agents have none, and say nothing of extended attributes. */
const FORMAT = 2;

type Line = InventoryEntry | { readonly replaced: string } | { readonly format: number };

/**
 * Begins an inventory: JSON lines, compressed with zstd. `{"replaced": path}` takes the first such entry back, and
 * `{"format": 2}` says that an entry without extended attributes has none.
 */
export function writeInventory(path: string): InventoryWriter {
  const compress = createZstdCompress();
  compress.write(`${JSON.stringify({ format: FORMAT })}\n`);
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  compress.on('error', () => undefined);
  compress.pipe(file);
  let failure: Error | null = null;
  const done = finished(file).catch((error: Error) => {
    failure = error;
  });
  let pending = '';
  const put = (line: object): void => {
    pending += `${JSON.stringify(line)}\n`;
  };
  const flush = async (): Promise<void> => {
    const text = pending;
    pending = '';
    if (failure) throw failure;
    if (!compress.write(text)) await Promise.race([once(compress, 'drain'), done]);
  };
  return {
    add: (entry) => {
      put(entry);
      return pending.length > PIECE_CHARS ? flush() : undefined;
    },
    replace: (replaced) => put({ replaced }),
    finish: async () => {
      await flush();
      compress.end();
      await done;
      if (failure) throw failure;
    },
    abandon: () => {
      compress.destroy();
      file.destroy();
    },
  };
}

/**
 * Reads what a layer consisted of when it was unpacked, every name once.
 * @throws the file system's error, or a zlib or syntax error for an inventory that is damaged
 */
export async function* readInventory(path: string): AsyncGenerator<InventoryEntry> {
  const stale = new Map<string, number>();
  for await (const line of linesOf(path)) {
    if ('replaced' in line) stale.set(line.replaced, (stale.get(line.replaced) ?? 0) + 1);
  }
  const replaced = new Set(stale.keys());
  let knowsXattrs = false;
  for await (const line of linesOf(path)) {
    if ('replaced' in line) continue;
    if ('format' in line) {
      knowsXattrs = true;
      continue;
    }
    const left = stale.get(line.path) ?? 0;
    // A link to a name that was given to something else is still a file, and linked to nothing that can be named.
    const isOrphan = line.type === 'hardlink' && replaced.has(line.target ?? '');
    const entry = knowsXattrs ? withXattrs(line) : line;
    if (left === 0) yield isOrphan ? { ...entry, target: line.path } : entry;
    else stale.set(line.path, left - 1);
  }
}

function withXattrs(entry: InventoryEntry): InventoryEntry {
  return entry.type === 'file' || entry.type === 'directory' ? { xattrs: {}, ...entry } : entry;
}

/** A name may hold every separator that readline knows; JSON escapes only the one that is used here. */
async function* linesOf(path: string): AsyncGenerator<Line> {
  const text = createZstdDecompress();
  pipeline(createReadStream(path), text, () => undefined);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of text as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}
