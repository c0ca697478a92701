import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BuiltImage, buildBusyboxImage, buildImage, buildIndex } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

let registry: Registry;
let state: TempDir;
let nth = 0;

beforeAll(async () => {
  [registry, state] = await Promise.all([startRegistry(), makeTempDir()]);
});

afterAll(async () => {
  await registry.stop();
  await state.remove();
});

const freshState = (): string => join(state.path, `state-${nth++}`);

describe('an image', () => {
  test.each(['gzip', 'zstd', 'none'] as const)(
    'is pulled by tag and by digest, its layers packed as %s',
    async (compression) => {
      const image = await buildBusyboxImage({
        registry: registry.host,
        name: `busybox-${compression}`,
        tag: '1.0',
        compression,
        files: [{ name: 'hello', content: 'world' }],
        config: {
          Entrypoint: ['/bin/sh'],
          Cmd: ['-c', 'true'],
          Env: ['A=b'],
          WorkingDir: '/tmp',
          User: 'app',
          StopSignal: 'SIGINT',
          Labels: { team: 'edge' },
        },
      });
      const source = await openSource(freshState(), [registry.host]);
      const byTag = await source.resolve(image.tagReference);
      expect(byTag).toEqual({
        reference: image.tagReference,
        size: expect.any(Number),
        evidence: { signatures: [], attestations: [], rejected: [] },
        facts: expect.objectContaining({ digest: image.digest, pinnedDigest: null, user: 'app', signedBy: [] }),
        config: {
          entrypoint: ['/bin/sh'],
          cmd: ['-c', 'true'],
          env: ['A=b'],
          workingDir: '/tmp',
          user: 'app',
          stopSignal: 'SIGINT',
        },
      });
      const byDigest = await source.resolve(image.reference);
      expect(byDigest.facts).toEqual({ ...byTag.facts, pinnedDigest: image.digest });
      expect(await source.isPresent(image.digest)).toBe(false);
      await source.pull(image.digest);
      expect(await source.isPresent(image.digest)).toBe(true);
      const [top = '', base = ''] = await source.layers(image.digest);
      expect(await readFile(join(top, 'hello'), 'utf8')).toBe('world');
      expect((await readFile(join(base, 'bin/busybox'))).equals(await readFile('/bin/busybox'))).toBe(true);
    },
  );

  test('of an index is the one for the platform, and its own digest is what the facts say', async () => {
    const build = (architecture: string, variant?: string): Promise<BuiltImage> =>
      buildImage({
        registry: registry.host,
        name: 'multi',
        tag: `${architecture}${variant}`,
        platform: { architecture, ...(variant ? { variant } : {}) },
        layers: [[{ name: 'arch', content: `${architecture}${variant}` }]],
      });
    const [amd64, armv6, armv7, arm64] = await Promise.all([
      build('amd64'),
      build('arm', 'v6'),
      build('arm', 'v7'),
      build('arm64'),
    ]);
    const index = await buildIndex({
      registry: registry.host,
      name: 'multi',
      tag: 'latest',
      images: [
        { ...amd64, platform: { architecture: 'amd64' } },
        { ...armv6, platform: { architecture: 'arm', variant: 'v6' } },
        { ...armv7, platform: { architecture: 'arm', variant: 'v7' } },
        { ...arm64, platform: { architecture: 'arm64' } },
      ],
    });
    const resolveOn = async (architecture: string, variant: string | null) => {
      const source = await openSource(freshState(), [registry.host], {
        platform: { os: 'linux', architecture, variant },
      });
      return (await source.resolve(index.reference)).facts;
    };
    expect(await resolveOn('amd64', null)).toMatchObject({ digest: amd64.digest, pinnedDigest: index.digest });
    expect((await resolveOn('arm64', 'v8')).digest).toBe(arm64.digest);
    expect((await resolveOn('arm', 'v7')).digest).toBe(armv7.digest);
    expect((await resolveOn('arm', 'v6')).digest).toBe(armv6.digest);
    await expect(resolveOn('riscv64', null)).rejects.toMatchObject({ code: 'no-platform' });
    await expect(resolveOn('arm', 'v5')).rejects.toMatchObject({ code: 'no-platform' });
  });

  test('of another platform than the node is refused though there is no index', async () => {
    const layers = [[{ name: 'f' }]];
    const image = await buildImage({
      registry: registry.host,
      name: 'foreign',
      platform: { architecture: 's390x' },
      layers,
    });
    const source = await openSource(freshState(), [registry.host]);
    await expect(source.resolve(image.reference)).rejects.toMatchObject({ code: 'no-platform' });
  });

  test('whose layers repeat lists each once, uppermost', async () => {
    const [same, other] = [[{ name: 'same' }], [{ name: 'other' }]];
    const image = await buildImage({ registry: registry.host, name: 'twice', layers: [same, other, same] });
    const source = await openSource(freshState(), [registry.host]);
    const { facts } = await source.resolve(image.reference);
    await source.pull(facts.digest);
    const layers = await source.layers(facts.digest);
    expect(await Promise.all(layers.map((layer) => readdir(layer)))).toEqual([['same'], ['other']]);
  });

  test('that is pulled many times at once is pulled once', async () => {
    const shared = { name: 'shared', content: randomBytes(100_000) };
    const images = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        buildImage({ registry: registry.host, name: `par-${name}`, layers: [[shared], [{ name }]] }),
      ),
    );
    const stateDir = freshState();
    const source = await openSource(stateDir, [registry.host]);
    await Promise.all(images.flatMap(({ reference }) => [source.resolve(reference), source.resolve(reference)]));
    await Promise.all(images.flatMap(({ digest }) => [source.pull(digest), source.pull(digest)]));
    expect(await readdir(join(stateDir, 'images/layers'))).toHaveLength(4);
    expect(await readdir(join(stateDir, 'images/tmp'))).toEqual([]);
  });
});

describe('a reference is refused', () => {
  test.each([
    ['malformed', 'UPPER/Case:tag', 'bad-reference'],
    ['of a missing repository', 'no/such:1', 'not-found'],
    ['of a missing tag', 'known:2', 'not-found'],
    ['of a missing digest', `known@sha256:${'1'.repeat(64)}`, 'not-found'],
  ])('when it is %s', async (_how, name, code) => {
    await buildImage({ registry: registry.host, name: 'known', layers: [[{ name: 'f' }]] });
    const source = await openSource(freshState(), [registry.host]);
    const reference = `${registry.host}/${name}`;
    await expect(source.resolve(reference)).rejects.toMatchObject({ code, reference });
  });

  test('when its registry is not there, or is plain HTTP and not listed as such', async () => {
    const image = await buildImage({ registry: registry.host, name: 'known', layers: [[{ name: 'f' }]] });
    const strict = await openSource(freshState(), []);
    await expect(strict.resolve(image.reference)).rejects.toMatchObject({ code: 'unreachable' });
    const source = await openSource(freshState(), ['127.0.0.1:1']);
    await expect(source.resolve('127.0.0.1:1/x:1')).rejects.toMatchObject({ code: 'unreachable' });
  });
});
