import { randomBytes } from 'node:crypto';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isOpen, showWindow } from '../../agent/images/download-window.ts';
import { createPullBoard } from '../../agent/images/progress.ts';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { type Fault, faultyRegistryProxy, type RegistryProxy, type SeenRequest } from '../world/registry-proxy.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

let registry: Registry;
/** One for all attempts: an image is known by where it was found. */
let proxy: RegistryProxy;
let layerFault: Fault | null = null;
let directory: TempDir;
let image: BuiltImage;
let layerDigest: string;
let nth = 0;

beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
  const layers = [[{ name: 'data', content: randomBytes(3_000_000) }]];
  image = await buildImage({ registry: registry.host, name: 'app', tag: '1', layers });
  layerDigest = image.layerDigests[0] ?? '';
  proxy = await faultyRegistryProxy(registry.host, (request) => (isLayer(request) ? layerFault : null));
});

afterAll(async () => {
  await proxy.stop();
  await registry.stop();
  await directory.remove();
});

/** A pull through a proxy, by an agent of its own. @returns its error and what it asked of the layer. */
async function attempt(
  stateDir: string,
  fault: Fault | null,
  pulling: { readonly window?: { readonly fromMinute: number; readonly toMinute: number } } = {},
): Promise<{ readonly code: string | null; readonly ranges: readonly (string | undefined)[] }> {
  layerFault = fault;
  const seenBefore = proxy.seen.length;
  const source = await openSource(stateDir, [proxy.host], { attempts: 1, pulling });
  await source.resolve(`${proxy.host}/app:1`);
  const code = await source.pull(image.digest).then(
    () => null,
    (error: { code: string }) => error.code,
  );
  const ranges = proxy.seen.slice(seenBefore).filter(isLayer);
  return { code, ranges: ranges.map(({ range }) => range) };
}

const isLayer = ({ url }: SeenRequest): boolean => url.includes(layerDigest);
const freshState = (): string => join(directory.path, `state-${nth++}`);
const partials = (stateDir: string): string => join(stateDir, 'images/partials');
const partial = (stateDir: string): string => join(partials(stateDir), layerDigest.slice('sha256:'.length));

describe('what has arrived of a layer', () => {
  test('is not fetched again by the next agent, and is gone once the layer is unpacked', async () => {
    const stateDir = freshState();
    expect(await attempt(stateDir, { type: 'cut', afterBytes: 1_000_000 })).toMatchObject({ code: 'interrupted' });
    expect(await attempt(stateDir, { type: 'cut', afterBytes: 700_000 })).toMatchObject({ code: 'interrupted' });
    const last = await attempt(stateDir, null);
    expect(last).toEqual({ code: null, ranges: [expect.stringMatching(/^bytes=(1[67]\d{5})-$/)] });
    expect(await readdir(partials(stateDir))).toEqual([]);
  });

  test('is enough when it is all of it', async () => {
    const [stateDir, other] = [freshState(), freshState()];
    await attempt(other, { type: 'cut', afterBytes: 1 });
    await attempt(stateDir, { type: 'cut', afterBytes: 1 });
    const blob = await fetch(`http://${registry.host}/v2/app/blobs/${layerDigest}`);
    await writeFile(partial(stateDir), Buffer.from(await blob.arrayBuffer()));
    expect(await attempt(stateDir, null)).toEqual({ code: null, ranges: [] });
  });

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['holes, as after a power cut', (path) => writeFile(path, Buffer.alloc(1_500_000))],
    ['more than there is', (path) => truncate(path, 5_000_000)],
  ])('is given up when it has %s', async (_what, harm) => {
    const stateDir = freshState();
    await attempt(stateDir, { type: 'cut', afterBytes: 1_000_000 });
    await harm(partial(stateDir));
    const { code, ranges } = await attempt(stateDir, null);
    expect(code).toBeNull();
    expect(ranges.at(-1)).toBeUndefined();
  });

  test('is thrown away when the layer is wrong, and when no image needs it any more', async () => {
    const stateDir = freshState();
    expect(await attempt(stateDir, { type: 'corrupt', atByte: 2_000_000 })).toMatchObject({ code: 'digest-mismatch' });
    expect(await readdir(partials(stateDir))).toEqual([]);
    await attempt(stateDir, { type: 'cut', afterBytes: 1_000_000 });
    expect(await readdir(partials(stateDir))).toHaveLength(1);
    const source = await openSource(stateDir, [registry.host]);
    await source.admin.prune('remove');
    expect(await readdir(partials(stateDir))).toEqual([]);
  });
});

test('pulling the next version moves only the layers that are new', async () => {
  const base = [{ name: 'base', content: randomBytes(500_000) }];
  const build = (tag: string): Promise<BuiltImage> =>
    buildImage({ registry: registry.host, name: 'next', tag, layers: [base, [{ name: 'app', content: tag }]] });
  const [one, two] = [await build('1'), await build('2')];
  const source = await openSource(freshState(), [registry.host]);
  for (const { tagReference, digest } of [one, two]) {
    const before = source.admin.fetchedBytes();
    await source.resolve(tagReference);
    await source.pull(digest);
    if (tagReference === two.tagReference) expect(source.admin.fetchedBytes() - before).toBeLessThan(1_000);
    else expect(source.admin.fetchedBytes() - before).toBeGreaterThan(500_000);
  }
});

describe('the download window', () => {
  const minute = new Date().getHours() * 60 + new Date().getMinutes();
  const closed = { fromMinute: (minute + 120) % 1440, toMinute: (minute + 180) % 1440 };

  test('holds a pull up while it is closed, but not one that a person asks for', async () => {
    const stateDir = freshState();
    expect(await attempt(stateDir, null, { window: closed })).toEqual({ code: 'outside-window', ranges: [] });
    const source = await openSource(stateDir, [registry.host], { pulling: { window: closed } });
    expect((await source.admin.fetch(image.tagReference, null)).isPresent).toBe(true);
  });

  test.each([
    [8, 0, true],
    [17, 59, true],
    [18, 0, false],
    [7, 59, false],
  ])('from 08:00 to 18:00 at %i:%i', (hours, minutes, expected) => {
    expect(isOpen({ fromMinute: 480, toMinute: 1080 }, new Date(2026, 0, 1, hours, minutes))).toBe(expected);
  });

  test.each([
    [23, true],
    [3, true],
    [12, false],
  ])('over midnight at %i', (hours, expected) => {
    const window = { fromMinute: 1350, toMinute: 360 };
    expect(showWindow(window)).toBe('22:30-06:00');
    expect(isOpen(window, new Date(2026, 0, 1, hours))).toBe(expected);
  });
});

test('a bandwidth limit is that of all layers together', async () => {
  const source = await openSource(freshState(), [registry.host], { pulling: { bytesPerSecond: 3_000_000 } });
  await source.resolve(image.tagReference);
  const started = performance.now();
  await source.pull(image.digest);
  expect(performance.now() - started).toBeGreaterThan(600);
});

test('progress is bytes, rate and time left', () => {
  let now = 0;
  const board = createPullBoard(() => now);
  const pull = board.begin('r', 'd', 1_000);
  expect(board.pulls()).toEqual([
    { reference: 'r', digest: 'd', totalBytes: 1_000, doneBytes: 0, bytesPerSecond: 0, secondsLeft: null },
  ]);
  for (now = 1_000; now <= 4_000; now += 1_000) pull.advance(100);
  now = 4_000;
  expect(board.pulls()[0]).toMatchObject({ doneBytes: 400, bytesPerSecond: 100, secondsLeft: 6 });
  pull.lose(400);
  pull.fetched(7);
  expect(board.pulls()[0]).toMatchObject({ doneBytes: 0, bytesPerSecond: 0 });
  pull.end();
  expect([board.pulls(), board.fetchedBytes()]).toEqual([[], 7]);
});
