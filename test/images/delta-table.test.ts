import { zstdCompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { type PackedFile, readTable } from '../../agent/images/delta/chunked-layer.ts';
import { digestOf } from '../../agent/images/digest.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

/** A table of the files given, and of what else its text has. */
async function read(count: number, more = ''): Promise<readonly PackedFile[] | null> {
  const entries = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ type: 'reg', size: 1, digest: DIGEST, offset: index * 2, endOffset: index * 2 + 1 }),
  );
  const packed = zstdCompressSync(Buffer.from(`{"version":1,"entries":[${entries.join(',')}]${more}}`));
  const place = { start: 1_000_000_000, end: 1_000_000_000 + packed.length, digest: digestOf(packed) };
  return readTable(packed, place);
}

test('a table of many files is read', async () => {
  expect(await read(50_000)).toHaveLength(50_000);
});

test.each([
  ['objects', 300_000, ''],
  ['lists', 1, `,"more":[${'[],'.repeat(300_000)}0]`],
  ['values', 1, `,"more":[${'1,'.repeat(5_000_000)}0]`],
  ['bytes', 1, `,"more":"${'x'.repeat(33 * 1024 * 1024)}"`],
])('one of too many %s is none: the layer is pulled whole', async (_name, count, more) => {
  expect(await read(count, more)).toBeNull();
});
