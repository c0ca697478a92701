const BLOCK_BYTES = 512;

/** One extended header record (pax(1)): a key, and a value that need not be text. */
export interface PaxRecord {
  readonly key: string;
  readonly value: Buffer;
}

/** What the tar reader does not tell of an entry's header: bytes that are not text, repeated keys, GNU's own fields. */
export interface RawHeader {
  /** Of this entry alone, in their order. */
  readonly records: readonly PaxRecord[];
  /** The block that describes the entry itself. */
  readonly block: Buffer;
}

/**
 * Reads the headers of one entry again.
 * @param bytes from where the content of the entry before it ended to where its own begins; the reader has checked them.
 */
export function readRawHeader(bytes: Buffer): RawHeader {
  let records: readonly PaxRecord[] = [];
  let block: Buffer = Buffer.alloc(BLOCK_BYTES);
  for (let at = 0; at + BLOCK_BYTES <= bytes.length; ) {
    block = bytes.subarray(at, at + BLOCK_BYTES);
    at += BLOCK_BYTES;
    const type = String.fromCharCode(block[156] ?? 0);
    if (!['x', 'g', 'L', 'K', 'N'].includes(type)) continue;
    const size = Number.parseInt(block.toString('latin1', 124, 136), 8) || 0;
    if (type === 'x') records = readRecords(bytes.subarray(at, at + size));
    at += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return { records, block };
}

function readRecords(bytes: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, Math.max(at, space)));
    if (space < 0 || !Number.isInteger(length) || length <= 0) break;
    const record = bytes.subarray(space + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    if (equals < 0) break;
    records.push({ key: record.toString('utf8', 0, equals), value: record.subarray(equals + 1) });
    at += length;
  }
  return records;
}
