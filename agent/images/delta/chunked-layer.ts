import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import * as z from 'zod';
import { DIGEST_PATTERN, digestOf } from '../digest.ts';
import type { Descriptor } from '../documents/manifest.ts';

/** Where the table of contents of a zstd:chunked layer is (containers-storage-zstd-chunked(5)), as its manifest says. */
export interface TablePlace {
  /** In the packed layer, bytes. */
  readonly start: number;
  readonly end: number;
  readonly digest: string;
}

/** A file of a layer whose content is packed in frames of its own. */
export interface PackedFile {
  /** Of its content, hex. */
  readonly sha256: string;
  readonly size: number;
  /** In the packed layer, bytes. */
  readonly start: number;
  readonly end: number;
}

/** Older tools write the first. */
const PREFIXES = ['io.containers.zstd-chunked.', 'io.github.containers.zstd-chunked.'] as const;

/** Of a packed and an unpacked table; a layer with a longer one is pulled whole. */
const [MOST_PACKED_BYTES, MOST_BYTES] = [8 * 1024 * 1024, 32 * 1024 * 1024];
/** Objects and lists in a table, and values: a few bytes of each become a hundred in memory, whoever wrote them. */
const [MOST_NESTED, MOST_VALUES] = [200_000, 4_000_000];

/** @returns where the table of a layer is; null for a layer without one. */
export function tableOf({ annotations = {}, size }: Descriptor): TablePlace | null {
  for (const prefix of PREFIXES) {
    const digest = annotations[`${prefix}manifest-checksum`] ?? '';
    const [start = Number.NaN, bytes = Number.NaN, , type] = (annotations[`${prefix}manifest-position`] ?? '')
      .split(':')
      .map(Number);
    const isSound =
      Number.isSafeInteger(start) && Number.isSafeInteger(bytes) && start >= FRAME_HEAD_BYTES && bytes > 0;
    if (!DIGEST_PATTERN.test(digest) || !isSound || type !== 1) continue;
    if (start + bytes <= size && bytes <= MOST_PACKED_BYTES) return { start, end: start + bytes, digest };
  }
  return null;
}

/** The table is the content of a skippable frame: what is before that is the layer. */
export const FRAME_HEAD_BYTES = 8;

const schema = z.object({
  version: z.literal(1),
  entries: z.array(
    z.object({
      type: z.string(),
      size: z.number().int().nonnegative().default(0),
      digest: z.string().default(''),
      offset: z.number().int().nonnegative().default(0),
      endOffset: z.number().int().nonnegative().default(0),
    }),
  ),
});

const decompress = promisify<Buffer, object, Buffer>(zstdDecompress);

/**
 * Reads a table of contents.
 * @returns the files with content, in the order of the layer; null for a table that is not the one the manifest names, or
 * that makes no sense: it only ever saves bytes, and the layer is pulled whole without it.
 */
export async function readTable(packed: Buffer, place: TablePlace): Promise<readonly PackedFile[] | null> {
  if (digestOf(packed) !== place.digest) return null;
  const bytes = await decompress(packed, { maxOutputLength: MOST_BYTES }).catch(() => null);
  const table = schema.safeParse(bytes === null || isTooMuch(bytes) ? null : parse(bytes));
  if (!table.success) return null;
  const files: PackedFile[] = [];
  let end = 0;
  for (const { type, size, digest, offset, endOffset } of table.data.entries) {
    if (type !== 'reg' || size === 0) continue;
    if (!DIGEST_PATTERN.test(digest) || offset < end || endOffset <= offset) return null;
    end = endOffset;
    files.push({ sha256: digest.slice('sha256:'.length), size, start: offset, end });
  }
  return end <= place.start - FRAME_HEAD_BYTES ? files : null;
}

/** Told by the bytes, before there is anything of them in memory; what stands in texts counts too. */
function isTooMuch(bytes: Buffer): boolean {
  let [nested, values] = [0, 0];
  for (const byte of bytes) {
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) nested += 1;
    else if (byte === COMMA) values += 1;
  }
  return nested > MOST_NESTED || values > MOST_VALUES;
}

const [OPEN_BRACE, OPEN_BRACKET, COMMA] = Buffer.from('{[,');

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
