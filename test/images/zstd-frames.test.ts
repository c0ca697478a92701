import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decompressZstd } from '../../agent/images/unpack/zstd-frames.ts';

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}

function skippable(bytes: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a57, 0);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

test('frames of every size come out as one, and skippable ones not at all', async () => {
  const contents = [Buffer.from('a'), Buffer.alloc(0), randomBytes(700_000), Buffer.alloc(9_000_000, 'z')];
  const frames = contents.map((content, nth) =>
    zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: nth % 2 } }),
  );
  const packed = Buffer.concat(frames.flatMap((frame) => [frame, skippable(randomBytes(50))]));
  for (const size of [7, 4096, 1 << 20]) {
    const unpacked = await buffer(decompressZstd(chunksOf(packed, size)));
    expect(unpacked.equals(Buffer.concat(contents))).toBe(true);
  }
});

test.each([
  ['breaks off', (frame: Buffer) => frame.subarray(0, -3)],
  ['is followed by something else', (frame: Buffer) => Buffer.concat([frame, Buffer.from('garbage')])],
  ['is none', () => Buffer.from('garbage')],
])('what %s is refused', async (_how, harm) => {
  const packed = harm(zstdCompressSync(randomBytes(1000)));
  await expect(buffer(decompressZstd(chunksOf(packed, 100)))).rejects.toMatchObject({
    code: expect.stringMatching(/^ZSTD_/),
  });
});

test('whatever the bytes, it ends', async () => {
  const frame = Buffer.concat([zstdCompressSync(Buffer.alloc(2000, 'x')), zstdCompressSync(randomBytes(500))]);
  const edits = fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const changed = Buffer.from(frame);
      for (const [at, byte] of changes) changed.writeUInt8(byte, at);
      const outcome = await buffer(decompressZstd(chunksOf(changed, 64))).then(
        () => 'unpacked',
        (error: { readonly code?: string }) => error.code,
      );
      expect(outcome).toMatch(/^(unpacked|ZSTD_\w+|ERR_\w+)$/);
    }),
    { numRuns: 300 },
  );
});
