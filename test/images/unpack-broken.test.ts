import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { UnpackLimits } from '../../agent/images/unpack/limits.ts';
import { fuzzing } from '../world/fuzz.ts';
import { makeTar, type TarEntry } from '../world/image-builder.ts';
import { unpack } from './unpack-fixture.ts';

const FILE: readonly TarEntry[] = [{ name: 'file', content: 'x'.repeat(5000) }];

async function codeOf(...args: Parameters<typeof unpack>): Promise<string | null> {
  const result = await unpack(...args);
  await result.remove();
  expect(result.around).toEqual(['layer']);
  return result.refusal?.code ?? null;
}

/** Changes one header of a tar and sets its checksum right again. */
function edit(tar: Buffer, at: number, text: string): Buffer {
  const edited = Buffer.from(tar);
  edited.write(text, at, 'latin1');
  edited.fill(' ', 148, 156);
  const sum = edited.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  edited.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return edited;
}

describe('a broken layer is refused', () => {
  test('when the gzip is cut', async () => {
    const tar = await makeTar(FILE);
    const gzip = gzipSync(tar);
    expect(await codeOf(tar, { packed: gzip.subarray(0, gzip.length - 9) })).toBe('bad-layer');
  });

  test('but not when the gzip has several members', async () => {
    const tar = await makeTar(FILE);
    const members = [gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))];
    expect(await codeOf(tar, { packed: Buffer.concat(members) })).toBeNull();
  });

  test('when it is not gzip', async () => {
    const tar = await makeTar(FILE);
    expect(await codeOf(tar, { packed: tar })).toBe('bad-layer');
  });

  test('when gzip bytes were changed', async () => {
    const tar = await makeTar(FILE);
    const gzip = gzipSync(tar);
    gzip.writeUInt8(gzip.readUInt8(20) ^ 0xff, 20);
    expect(await codeOf(tar, { packed: gzip })).toBe('bad-layer');
  });

  test.each([
    ['text', Buffer.from('garbage')],
    ['a little padding', Buffer.alloc(10)],
    ['zeros and text', Buffer.concat([Buffer.alloc(50_000), Buffer.from('garbage')])],
    ['much padding', Buffer.alloc(500_000)],
  ])('when %s follows the gzip', async (_what, garbage) => {
    const tar = await makeTar(FILE);
    expect(await codeOf(tar, { packed: Buffer.concat([gzipSync(tar), garbage]) })).toBe('bad-layer');
  });

  test.each([
    ['in a file', 1024],
    ['in a header', 300],
  ])('when the tar is cut %s', async (_where, bytes) => {
    expect(await codeOf((await makeTar(FILE)).subarray(0, bytes))).toBe('bad-layer');
  });

  test('when the last byte of its last file is missing; only the padding after it may be, as umoci leaves it out', async () => {
    const tar = await makeTar([{ name: 'f', content: 'x'.repeat(700) }]);
    expect(await codeOf(tar.subarray(0, 512 + 699))).toBe('bad-layer');
    for (const bytes of [700, 1023]) expect(await codeOf(tar.subarray(0, 512 + bytes))).toBe(null);
  });

  test('when garbage follows the end of the tar', async () => {
    const tar = Buffer.concat([await makeTar(FILE), Buffer.alloc(1024, 'garbage')]);
    expect(await codeOf(tar)).toBe('bad-layer');
  });

  test('when a second archive hides behind the end of the first', async () => {
    const hidden = await makeTar([{ name: 'hidden', content: 'x' }]);
    expect(await codeOf(Buffer.concat([await makeTar(FILE), hidden]))).toBe('bad-layer');
    expect(await codeOf(Buffer.concat([await makeTar([{ name: 'zeros', content: Buffer.alloc(9000) }]), hidden]))).toBe(
      'bad-layer',
    );
  });

  test('when a link claims to have content', async () => {
    const tar = await makeTar([{ name: 'l', type: 'symlink', linkname: 'x' }, ...FILE]);
    expect(await codeOf(edit(tar, 124, '00000001000'))).toBe('bad-layer');
  });

  test.each([
    ['a name', 0],
    ['a link target', 157],
  ])('when %s is not UTF-8', async (_what, at) => {
    const tar = await makeTar([{ name: 'name', type: 'symlink', linkname: 'target' }]);
    expect(await codeOf(edit(tar, at, '\xff\xfe'))).toBe('bad-layer');
  });

  test('when the type is unknown or the format is', async () => {
    const tar = await makeTar(FILE);
    expect(await codeOf(edit(tar, 156, 'S'))).toBe('bad-layer');
    expect(await codeOf(edit(tar, 257, 'other'))).toBe('bad-layer');
  });

  test('when the checksum of a header is wrong', async () => {
    const tar = await makeTar(FILE);
    tar.write('tile', 0);
    expect(await codeOf(tar)).toBe('bad-layer');
  });

  test('when it unpacks to something else than the image config says', async () => {
    expect(await codeOf(FILE, { diffId: `sha256:${'0'.repeat(64)}` })).toBe('digest-mismatch');
  });
});

describe('a layer past a limit is refused', () => {
  const limits: Readonly<Record<string, Partial<UnpackLimits>>> = {
    entries: { entries: 2 },
    bytes: { bytes: 100_000 },
    ratio: { ratio: 100, ratioFromBytes: 50_000 },
  };
  const entries: readonly TarEntry[] = [{ name: 'a' }, { name: 'b' }, { name: 'c', content: Buffer.alloc(1_000_000) }];

  test.each(Object.keys(limits))('%s', async (name) => {
    expect(await codeOf(entries, { limits: limits[name] ?? {} })).toBe('bad-layer');
  });

  test('and one below all of them is not', async () => {
    expect(await codeOf(entries, { limits: { entries: 3, bytes: 1_100_000, ratio: 10_000 } })).toBeNull();
  });
});

test('zero-filled files of any size are content, not the end of the archive', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(sizes, async (contents) => {
      const entries = contents.map((size, index) => ({ name: `f${index}`, content: Buffer.alloc(size) }));
      expect(await codeOf(entries)).toBeNull();
    }),
    fuzzing(25),
  );
});

test('whatever the bytes, unpacking ends with a layer or a refusal', async () => {
  const tar = await makeTar([
    { name: 'd/', type: 'directory' },
    ...FILE,
    { name: 'l', type: 'link', linkname: 'file' },
  ]);
  const edits = fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const changed = Buffer.from(tar);
      for (const [at, byte] of changes) changed.writeUInt8(byte, at);
      expect([null, 'bad-layer']).toContain(await codeOf(changed));
    }),
    fuzzing(100),
  );
});
