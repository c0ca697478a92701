import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { makeTar, type TarEntry } from './image-builder.ts';

/** A layer in zstd:chunked form (containers-storage-zstd-chunked(5)), for `buildImage`. */
export interface ChunkedLayer {
  readonly tar: Buffer;
  readonly packed: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

/** One entry of a table of contents. */
export interface TableEntry {
  readonly type: string;
  readonly name: string;
  readonly size?: number;
  readonly digest?: string;
  readonly offset?: number;
  readonly endOffset?: number;
}

/** Packs files so that the content of each is in a frame of its own. @param lie changes the table before it is packed. */
export async function makeChunkedLayer(
  files: readonly (TarEntry & { readonly content: Buffer })[],
  lie: (entries: readonly TableEntry[]) => readonly TableEntry[] = (entries) => entries,
): Promise<ChunkedLayer> {
  const [tars, frames, entries]: [Buffer[], Buffer[], TableEntry[]] = [[], [], []];
  let [offset, before] = [0, Buffer.alloc(0)];
  const addFrame = (bytes: Buffer): void => {
    frames.push(zstdCompressSync(bytes));
    offset += frames.at(-1)?.length ?? 0;
  };
  for (const file of files) {
    const tar = (await makeTar([file])).subarray(0, -1024);
    const contentAt = tar.length - Math.ceil(file.content.length / 512) * 512;
    tars.push(tar);
    addFrame(Buffer.concat([before, tar.subarray(0, contentAt)]));
    const start = offset;
    addFrame(file.content);
    before = Buffer.from(tar.subarray(contentAt + file.content.length));
    const digest = sha256(file.content);
    entries.push({ type: 'reg', name: file.name, size: file.content.length, digest, offset: start, endOffset: offset });
  }
  addFrame(Buffer.concat([before, Buffer.alloc(1024)]));
  const text = Buffer.from(JSON.stringify({ version: 1, entries: lie(entries) }));
  const table = zstdCompressSync(text);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50, 0);
  head.writeUInt32LE(table.length, 4);
  return {
    tar: Buffer.concat([...tars, Buffer.alloc(1024)]),
    packed: Buffer.concat([...frames, head, table]),
    annotations: {
      'io.github.containers.zstd-chunked.manifest-checksum': sha256(table),
      'io.github.containers.zstd-chunked.manifest-position': `${offset + 8}:${table.length}:${text.length}:1`,
    },
  };
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
