import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { verifyLayer } from '../../agent/images/verify/verify-layer.ts';
import { makeTempDir } from '../world/temp-dir.ts';
import { makeSparseTar } from './raw-tar.ts';
import { unpack } from './unpack-fixture.ts';

const MIB = 1024 * 1024;
const UNPACED = { spend: async () => undefined };

async function writeParts(path: string, size: number, parts: readonly number[]): Promise<void> {
  const file = await open(path, 'w');
  for (const at of parts) await file.write(`part at ${at}`, at);
  await file.truncate(size);
  await file.close();
}

/** Files with holes before, between and after what they have, and one that is nothing but a hole. */
async function withSparseFiles(
  parts: readonly number[],
  check: (directory: string, names: readonly string[]) => Promise<void>,
): Promise<void> {
  const temp = await makeTempDir();
  try {
    const directory = join(temp.path, 'files');
    await mkdir(directory);
    await writeParts(join(directory, 'mixed'), 9 * MIB + 7, parts);
    await writeParts(join(directory, 'empty'), 5 * MIB, []);
    await writeParts(join(directory, 'plain'), 10, [0]);
    await check(directory, ['mixed', 'empty', 'plain']);
  } finally {
    await temp.remove();
  }
}

const FEW = [2 * MIB, 6 * MIB];
const MANY = Array.from({ length: 100 }, (_, index) => index * 90_000 + 4096);

test.each([
  ['PAX format 0.0', ['--format=pax', '--sparse-version=0.0'], MANY],
  ['PAX format 0.1', ['--format=pax', '--sparse-version=0.1'], MANY],
  ['PAX format 1.0', ['--format=pax', '--sparse-version=1.0'], MANY],
  ["GNU's own format", ['--format=gnu'], FEW],
])('keeps the content and the holes of sparse files: %s', (_name, format, parts) =>
  withSparseFiles(parts, async (directory, names) => {
    const result = await unpack(makeSparseTar(directory, format));
    try {
      expect(result.refusal).toBeNull();
      for (const name of names) {
        const [made, kept] = [join(directory, name), join(result.layer, name)];
        expect((await readFile(kept)).equals(await readFile(made))).toBe(true);
      }
      const { size, blocks } = await stat(join(result.layer, 'empty'));
      expect({ size, blocks }).toEqual({ size: 5 * MIB, blocks: 0 });
      expect(await verifyLayer(result.layer, result.inventory, UNPACED)).toEqual({ state: 'whole' });
    } finally {
      await result.remove();
    }
  }),
);

test("refuses GNU's own format where its map goes on after the header, by name", () =>
  withSparseFiles(MANY, async (directory) => {
    const result = await unpack(makeSparseTar(directory, ['--format=gnu']));
    expect(result.refusal?.code).toBe('bad-layer');
    expect(result.refusal?.message).toMatch(/entry ".\/mixed".*PAX format/);
    await result.remove();
  }));
