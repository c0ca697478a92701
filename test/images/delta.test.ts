import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StoredImages } from '../../agent/images/stored-images.ts';
import { makeChunkedLayer, type TableEntry } from '../world/chunked-layer.ts';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { type Fault, faultyRegistryProxy, type RegistryProxy } from '../world/registry-proxy.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

const KEPT = randomBytes(1_500_000);
const CHANGED = [randomBytes(60_000), randomBytes(60_000)] as const;
const SMALL = randomBytes(100);

let registry: Registry;
let proxy: RegistryProxy;
let directory: TempDir;
let fault: Fault | null = null;
let nth = 0;

beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
  proxy = await faultyRegistryProxy(registry.host, ({ range }) => (range === undefined ? null : fault));
});

afterAll(async () => {
  await proxy.stop();
  await registry.stop();
  await directory.remove();
});

/** The files of one version: a large one that stays, one that changes and a small one, with zeros between. */
function build(
  tag: string,
  changed: Buffer,
  lie?: (entries: readonly TableEntry[]) => readonly TableEntry[],
): Promise<BuiltImage> {
  const files = [
    { name: 'a/small', content: SMALL },
    { name: 'b/kept', content: KEPT, mode: 0o755 },
    { name: 'c/changed', content: changed },
    { name: 'd/also-kept', content: Buffer.concat([KEPT, SMALL]) },
  ];
  return makeChunkedLayer(files, lie).then((layer) =>
    buildImage({ registry: registry.host, name: `app-${nth}`, tag, layers: [layer], compression: 'zstd' }),
  );
}

async function pull(source: StoredImages, image: BuiltImage, tag: string): Promise<number> {
  const before = source.admin.fetchedBytes();
  await source.resolve(`${proxy.host}/app-${nth}:${tag}`);
  await source.pull(image.digest);
  const [layer = ''] = await source.layers(image.digest);
  expect((await readdir(layer)).sort()).toEqual(['a', 'b', 'c', 'd']);
  expect((await readFile(join(layer, 'b/kept'))).equals(KEPT)).toBe(true);
  return source.admin.fetchedBytes() - before;
}

/** Pulls the first version, lets something happen, and pulls the second. @returns the bytes that each fetched. */
async function update(
  options: {
    readonly lie?: (entries: readonly TableEntry[]) => readonly TableEntry[];
    readonly between?: (layer: string) => Promise<unknown>;
    readonly fault?: Fault;
  } = {},
): Promise<{
  readonly first: number;
  readonly second: number;
  readonly source: StoredImages;
  readonly image: BuiltImage;
}> {
  nth += 1;
  fault = null;
  const [one, two] = [await build('1', CHANGED[0]), await build('2', CHANGED[1], options.lie)];
  const source = await openSource(join(directory.path, `state-${nth}`), [proxy.host]);
  const first = await pull(source, one, '1');
  const [layer = ''] = await source.layers(one.digest);
  await options.between?.(layer);
  fault = options.fault ?? null;
  return { first, second: await pull(source, two, '2'), source, image: two };
}

describe('an update of a zstd:chunked layer', () => {
  test('fetches what changed and what is around it, and is the layer that its config names', async () => {
    const { first, second, source, image } = await update();
    expect(first).toBeGreaterThan(2 * KEPT.length);
    expect(second).toBeLessThan(CHANGED[1].length + 10_000);
    expect(
      await source.admin.verify(image.digest, 'report').then((found) => found.map(({ verdict }) => verdict)),
    ).toEqual([{ state: 'whole' }]);
  });

  const last = <T>(list: readonly T[]): T => list.at(-1) as T;
  test.each<[string, Parameters<typeof update>[0]]>([
    [
      'the table names another file',
      {
        lie: (entries) =>
          entries.map((entry) => ({ ...entry, digest: last(entries).digest ?? '', size: last(entries).size ?? 0 })),
      },
    ],
    [
      'the table has another place for a file',
      {
        lie: (entries) =>
          entries.map((entry) =>
            entry.name === 'b/kept' ? { ...entry, endOffset: (entry.endOffset ?? 0) - 5 } : entry,
          ),
      },
    ],
    ['the table makes no sense', { lie: (entries) => entries.toReversed() }],
    [
      'somebody changed a file that is here',
      { between: (layer) => writeFile(join(layer, 'b/kept'), Buffer.alloc(KEPT.length)) },
    ],
    ['the registry gives no parts', { fault: { type: 'ignore-range' } }],
    ['a part was changed on the way', { fault: { type: 'corrupt', atByte: 40 } }],
  ])('is pulled whole when %s', async (_what, options) => {
    const { first, second, source, image } = await update(options);
    expect(second).toBeGreaterThanOrEqual(first - 10_000);
    expect(await source.isPresent(image.digest)).toBe(true);
  });
});
