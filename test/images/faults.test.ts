import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { type Fault, faultyRegistryProxy, type RegistryProxy, type SeenRequest } from '../world/registry-proxy.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

let registry: Registry;
let state: TempDir;
let image: BuiltImage;
let nth = 0;

beforeAll(async () => {
  [registry, state] = await Promise.all([startRegistry(), makeTempDir()]);
  const layers = [[{ name: 'data', content: randomBytes(2_000_000) }]];
  image = await buildImage({ registry: registry.host, name: 'app', tag: '1', layers });
});

afterAll(async () => {
  await registry.stop();
  await state.remove();
});

const isLayer = ({ url }: SeenRequest): boolean => url.includes(image.layerDigests[0] ?? 'none');
const isManifest = ({ url }: SeenRequest): boolean => url.includes('/manifests/');

interface Outcome {
  readonly code: string | null;
  readonly seen: readonly SeenRequest[];
  readonly leftOver: readonly string[];
}

/** Resolves and pulls through a proxy that misbehaves. */
async function pullThrough(
  misbehave: (request: SeenRequest, nthOfKind: number) => Fault | null,
  options: { readonly name?: string; readonly idleMs?: number; readonly insecure?: readonly string[] } = {},
): Promise<Outcome> {
  const counts = new Map<string, number>();
  const proxy: RegistryProxy = await faultyRegistryProxy(registry.host, (request) => {
    const count = (counts.get(request.url) ?? 0) + 1;
    counts.set(request.url, count);
    return misbehave(request, count);
  });
  const stateDir = join(state.path, `state-${nth++}`);
  const source = await openSource(stateDir, [proxy.host, ...(options.insecure ?? [])], {
    idleMs: options.idleMs ?? 2_000,
  });
  try {
    const { facts } = await source.resolve(`${proxy.host}/${options.name ?? 'app:1'}`);
    await source.pull(facts.digest);
    return { code: null, seen: proxy.seen, leftOver: await leftOver(stateDir) };
  } catch (error) {
    return { code: (error as { code: string }).code, seen: proxy.seen, leftOver: await leftOver(stateDir) };
  } finally {
    await proxy.stop();
  }
}

/** Half layers, under whatever name. */
async function leftOver(stateDir: string): Promise<readonly string[]> {
  return readdir(join(stateDir, 'images/tmp'));
}

describe('a layer that breaks off', () => {
  test('is resumed where it was cut', async () => {
    const outcome = await pullThrough((request, count) =>
      isLayer(request) && count === 1 ? { type: 'cut', afterBytes: 700_000 } : null,
    );
    expect(outcome.code).toBeNull();
    const [whole, rest] = outcome.seen.filter(isLayer);
    expect(whole?.range).toBeUndefined();
    expect(rest?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('is read again from its start by a registry without ranges', async () => {
    const outcome = await pullThrough((request, count) => {
      if (!isLayer(request)) return null;
      return count === 1 ? { type: 'cut', afterBytes: 700_000 } : { type: 'ignore-range' };
    });
    expect(outcome.code).toBeNull();
  });

  test('again and again fails as interrupted and leaves nothing half done', async () => {
    const outcome = await pullThrough((request) => (isLayer(request) ? { type: 'cut', afterBytes: 1000 } : null));
    expect(outcome).toMatchObject({ code: 'interrupted', leftOver: [] });
    expect(outcome.seen.filter(isLayer)).toHaveLength(3);
  });

  test('but always brings a good piece arrives, however often it does', async () => {
    const outcome = await pullThrough((request) => (isLayer(request) ? { type: 'cut', afterBytes: 1_100_000 } : null));
    expect(outcome.code).toBeNull();
  });

  test('by going silent is given up in time and resumed', async () => {
    const outcome = await pullThrough(
      (request, count) => (isLayer(request) && count === 1 ? { type: 'stall', afterBytes: 500_000 } : null),
      { idleMs: 300 },
    );
    expect(outcome.code).toBeNull();
    expect(outcome.seen.filter(isLayer)).toHaveLength(2);
  });
});

describe('an answer that is wrong', () => {
  test.each<[string, (request: SeenRequest) => Fault | null, string]>([
    [
      'a changed layer',
      (request) => (isLayer(request) ? { type: 'corrupt', atByte: 1_000_000 } : null),
      'digest-mismatch',
    ],
    [
      'a changed manifest',
      (request) => (isManifest(request) ? { type: 'corrupt', atByte: 100 } : null),
      'digest-mismatch',
    ],
    [
      'another layer',
      (request) => (isLayer(request) ? { type: 'replace', body: Buffer.from('short') } : null),
      'size-mismatch',
    ],
    ['no layer', (request) => (isLayer(request) ? { type: 'status', status: 404 } : null), 'not-found'],
    ['a refusal', (request) => (isManifest(request) ? { type: 'status', status: 403 } : null), 'unauthorized'],
    [
      'an endless manifest',
      (request) => (isManifest(request) ? { type: 'replace', body: Buffer.alloc(5_000_000) } : null),
      'too-large',
    ],
    ['a broken registry', () => ({ type: 'status', status: 500 }), 'unreachable'],
    ['a redirect to itself', (request) => ({ type: 'redirect', to: request.url }), 'unreachable'],
    ['a redirect to a stranger over HTTP', () => ({ type: 'redirect', to: 'http://127.0.0.1:1/v2/' }), 'unreachable'],
    ['a redirect to nowhere', () => ({ type: 'redirect', to: 'http://[' }), 'unreachable'],
  ])('%s is refused', async (_what, misbehave, code) => {
    expect(await pullThrough(misbehave)).toMatchObject({ code, leftOver: [] });
  });

  test('by a passing fault is asked for again, after the time the registry wants', async () => {
    const started = performance.now();
    const outcome = await pullThrough((request, count) =>
      isManifest(request) && count === 1 ? { type: 'status', status: 429, headers: { 'retry-after': '1' } } : null,
    );
    expect(outcome.code).toBeNull();
    expect(performance.now() - started).toBeGreaterThan(950);
  });
});

describe('a manifest is refused', () => {
  const digest = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
  const config = '{"os":"linux"}';
  const describeConfig = (mediaType: string) => ({ mediaType, digest: digest(config), size: config.length });
  const image = { schemaVersion: 2, config: describeConfig('application/vnd.oci.image.config.v1+json'), layers: [] };
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digest('layer'), size: 5 };
  test.each<[string, unknown]>([
    ['an index and an image at once (CVE-2021-41190)', { ...image, manifests: [] }],
    ['an artifact', { ...image, config: describeConfig('application/vnd.example+json') }],
    ['of another schema', { ...image, schemaVersion: 1 }],
    ['of another digest algorithm', { ...image, layers: [{ ...layer, digest: `sha512:${'0'.repeat(128)}` }] }],
    ['with a digest that is a path', { ...image, layers: [{ ...layer, digest: 'sha256:../../../etc/passwd' }] }],
    ['with a negative size', { ...image, layers: [{ ...layer, size: -1 }] }],
    ['with a config that lacks its layers', image],
    ['not an object', 'text'],
  ])('when it is %s', async (_what, manifest) => {
    const outcome = await pullThrough((request) => {
      if (isManifest(request)) return { type: 'replace', body: Buffer.from(JSON.stringify(manifest)) };
      return { type: 'replace', body: Buffer.from(config) };
    });
    expect(outcome.code).toBe('bad-manifest');
  });

  test('when its layers are fewer than its config says, or of a kind that cannot be unpacked', async () => {
    const described = JSON.stringify({
      os: 'linux',
      architecture: hostArchitecture(),
      rootfs: { type: 'layers', diff_ids: [digest('x')] },
    });
    const withConfig = { ...image, config: { ...image.config, digest: digest(described), size: described.length } };
    const foreign = { ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' };
    for (const layers of [[], [layer, layer], [foreign]]) {
      const outcome = await pullThrough((request) => {
        const body = isManifest(request) ? JSON.stringify({ ...withConfig, layers }) : described;
        return { type: 'replace', body: Buffer.from(body) };
      });
      expect(outcome.code).toBe('bad-manifest');
    }
  });
});

function hostArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

test('a redirect to a listed host is followed', async () => {
  const outcome = await pullThrough(
    (request) => (isLayer(request) ? { type: 'redirect', to: `http://${registry.host}${request.url}` } : null),
    { insecure: [registry.host] },
  );
  expect(outcome.code).toBeNull();
});
