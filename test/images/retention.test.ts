import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ImageUse } from '../../agent/images/index.ts';
import type { StoredImages } from '../../agent/images/stored-images.ts';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

let registry: Registry;
let directory: TempDir;
let nth = 0;

beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
});

afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

const freshState = (): string => join(directory.path, `state-${nth++}`);
const using = (...digests: readonly string[]) => {
  const use: ImageUse = { kept: new Set(digests), running: new Map() };
  return { inUse: async () => use };
};

function build(name: string, content: string | Buffer = name, tag = '1'): Promise<BuiltImage> {
  return buildImage({ registry: registry.host, name, tag, layers: [[{ name: 'f', content }]] });
}

async function filled(stateDir: string, images: readonly BuiltImage[]): Promise<void> {
  const source = await openSource(stateDir, [registry.host]);
  for (const { tagReference, digest } of images) {
    await source.resolve(tagReference);
    await source.pull(digest);
  }
}

const digestsOf = async ({ admin }: StoredImages): Promise<readonly string[]> =>
  (await admin.list()).map(({ digest }) => digest);
const sorted = (...images: readonly BuiltImage[]): readonly string[] => images.map(({ digest }) => digest).sort();

describe('pruning', () => {
  test('removes what nothing uses and nobody pinned, and says before what it would remove', async () => {
    const [used, pinned, unused] = await Promise.all([build('used'), build('pinned'), build('unused')]);
    const stateDir = freshState();
    await filled(stateDir, [used, pinned, unused]);
    const source = await openSource(stateDir, [registry.host], using(used.digest));
    await source.admin.fetch(pinned.tagReference, null);
    const would = await source.admin.prune('show');
    expect(would.map(({ digest, references }) => ({ digest, references }))).toEqual([
      { digest: unused.digest, references: [unused.tagReference] },
    ]);
    expect(await digestsOf(source)).toEqual(sorted(used, pinned, unused));
    expect(await source.admin.prune('remove')).toEqual(would);
    expect(await digestsOf(source)).toEqual(sorted(used, pinned));
    expect(await readdir(join(stateDir, 'images/layers'))).toHaveLength(2);
    expect(await readdir(join(stateDir, 'images/inventories'))).toHaveLength(2);
  });

  test('removes nothing while it is not known what is in use', async () => {
    const [image, stateDir] = [await build('unknown'), freshState()];
    await filled(stateDir, [image]);
    const source = await openSource(stateDir, [registry.host], { inUse: async () => null });
    expect(await source.admin.prune('remove')).toEqual([]);
    await expect(source.admin.discard(image.digest)).rejects.toMatchObject({ code: 'in-use' });
    expect(await digestsOf(source)).toEqual([image.digest]);
  });

  test('spares what was asked for a moment ago, for it may be about to run', async () => {
    const [image, stateDir] = [await build('asked'), freshState()];
    await filled(stateDir, [image]);
    const source = await openSource(stateDir, [registry.host]);
    await source.resolve(image.tagReference);
    expect(await source.admin.prune('remove')).toEqual([]);
  });

  test('by age waits for the age', async () => {
    const [image, stateDir] = [await build('aged'), freshState()];
    await filled(stateDir, [image]);
    const { garbage } = await openSource(stateDir, [registry.host]);
    expect(await garbage.unusedFor(3_600_000)).toEqual([]);
    expect(await garbage.unusedFor(0)).toEqual([image.digest]);
  });
});

describe('an image that is in use', () => {
  test('is not removed by name, whatever name; another one is, pinned or not', async () => {
    const [used, other] = await Promise.all([build('held'), build('other')]);
    const source = await openSource(freshState(), [registry.host], using(used.digest));
    await source.admin.fetch(used.tagReference, null);
    await source.admin.fetch(other.tagReference, null);
    for (const name of [used.tagReference, used.digest, used.digest.slice(0, 20), used.digest.slice(7, 20)]) {
      await expect(source.admin.discard(name)).rejects.toMatchObject({ code: 'in-use' });
    }
    expect((await source.admin.inspect(used.tagReference)).isInUse).toBe(true);
    await source.admin.discard(other.tagReference);
    expect(await digestsOf(source)).toEqual([used.digest]);
    await expect(source.admin.discard('no/such:1')).rejects.toMatchObject({ code: 'not-present' });
  });
});

describe('a pull that does not fit', () => {
  test('makes room by removing what nothing uses, longest resolved first, and is refused only after that', async () => {
    const content = (): Buffer => randomBytes(4_000_000);
    const old = await build('old', content());
    const held = await build('held', content());
    const next = await build('next', content());
    const huge = await build('huge', randomBytes(30_000_000));
    const mount = join(directory.path, 'small');
    await mkdir(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=25m', 'tmpfs', mount]);
    try {
      const pulling = { reserveBytes: 1024 };
      const first = await openSource(mount, [registry.host], { pulling });
      for (const { tagReference, digest } of [old, held]) {
        await first.resolve(tagReference);
        await first.pull(digest);
      }
      const source = await openSource(mount, [registry.host], { pulling, ...using(held.digest) });
      await source.resolve(huge.tagReference);
      await expect(source.pull(huge.digest)).rejects.toMatchObject({ code: 'no-space' });
      expect(await source.isPresent(held.digest)).toBe(true);
      await source.resolve(next.tagReference);
      await source.pull(next.digest);
      expect(await digestsOf(source)).toEqual(sorted(held, next, huge));
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});

test('of two pulls at once that fit only one by one, one is refused before it starts', async () => {
  const mount = join(directory.path, 'narrow');
  await mkdir(mount);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=25m', 'tmpfs', mount]);
  try {
    const images = [await build('left', randomBytes(4_000_000)), await build('right', randomBytes(4_000_000))];
    const source = await openSource(mount, [registry.host], { pulling: { reserveBytes: 1024 } });
    for (const { tagReference } of images) await source.resolve(tagReference);
    const outcomes = await Promise.allSettled(images.map(({ digest }) => source.pull(digest)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const [, refused] = outcomes.toSorted((a, b) => a.status.localeCompare(b.status));
    expect(refused).toMatchObject({ reason: { code: 'no-space' } });
  } finally {
    execFileSync('umount', [mount]);
  }
});

describe('a tag that moved', () => {
  test('is asked for again once for each commit, and what it led to before stays known', async () => {
    const first = await build('moved', 'one');
    const stateDir = freshState();
    const source = await openSource(stateDir, [registry.host]);
    const at = async (commit: string, from: StoredImages = source): Promise<string> =>
      (await from.resolve(first.tagReference, { onceFor: commit })).facts.digest;
    expect(await at('a')).toBe(first.digest);
    await source.pull(first.digest);
    const second = await build('moved', 'two');
    expect(await at('a')).toBe(first.digest);
    expect(await at('b')).toBe(second.digest);
    expect((await source.resolve(first.tagReference)).facts.digest).toBe(second.digest);
    const restarted = await openSource(stateDir, [registry.host]);
    expect(await at('b', restarted)).toBe(second.digest);
    expect(await restarted.isPresent(first.digest)).toBe(true);
    expect(await restarted.recall(first.tagReference, first.digest)).toMatchObject({
      reference: first.tagReference,
      facts: { digest: first.digest, pinnedDigest: null },
    });
    expect(await restarted.recall(first.tagReference, `sha256:${'0'.repeat(64)}`)).toBeNull();
  });

  test('and cannot be asked for is a failure of the new commit, and of nothing before it', async () => {
    const away = await startRegistry();
    const image = await buildImage({ registry: away.host, name: 'gone', tag: '1', layers: [[{ name: 'f' }]] });
    const source = await openSource(freshState(), [away.host], { attempts: 1 });
    await source.resolve(image.tagReference, { onceFor: 'a' });
    await away.stop();
    expect((await source.resolve(image.tagReference, { onceFor: 'a' })).facts.digest).toBe(image.digest);
    await expect(source.resolve(image.tagReference, { onceFor: 'b' })).rejects.toMatchObject({ code: 'unreachable' });
    expect((await source.resolve(image.tagReference)).facts.digest).toBe(image.digest);
  });
});
