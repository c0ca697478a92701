import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findEvidence } from '../../agent/images/signature/find-evidence.ts';
import { type CosignKey, generateKey, signAs } from '../world/cosign.ts';
import { describe as descriptorOf, pushBlob, pushManifest } from '../world/image-builder.ts';
import { type Fault, faultyRegistryProxy } from '../world/registry-proxy.ts';
import { clientFor, type EvidenceWorld, type NamedImage, startEvidenceWorld } from './evidence-world.ts';

const OCI = 'application/vnd.oci.image';
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

let world: EvidenceWorld;
let key: CosignKey;
/** By the release of cosign that signed it. */
const images = new Map<string, NamedImage>();

beforeAll(async () => {
  world = await startEvidenceWorld();
  key = await generateKey(world.directory.path);
  for (const tool of ['cosign', 'cosign3'] as const) {
    const image = await world.build(`placed-${tool}`);
    await signAs({ by: { key }, reference: image.reference, tool, directory: world.directory.path });
    images.set(tool, image);
  }
});

afterAll(() => world.stop());

const signed = (tool: string): NamedImage => {
  const image = images.get(tool);
  if (!image) throw new Error(tool);
  return image;
};

/** @returns the codes of what is refused, and `found` for what is there. */
async function lookAt(
  { name, digest }: NamedImage,
  misbehave: (path: string) => Fault | null = () => null,
): Promise<readonly string[]> {
  const proxy = await faultyRegistryProxy(world.registry.host, ({ url }) => misbehave(url));
  try {
    const target = { reference: `${proxy.host}/${name}@${digest}`, registry: proxy.host, repository: name };
    const found: string[] = [];
    for await (const { rejected } of findEvidence(clientFor(proxy), target, [digest])) {
      found.push(rejected ? rejected.code : 'found');
    }
    return found;
  } finally {
    await proxy.stop();
  }
}

/** Puts something where what refers to an image would be, as anyone who may push can. */
async function refer(image: NamedImage, manifests: readonly object[]): Promise<void> {
  const index = { schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests };
  await pushManifest(world.registry.host, image.name, image.digest.replace(':', '-'), index);
}

async function pushBundle(image: NamedImage, payload: Buffer, subject: NamedImage): Promise<object> {
  const { host } = world.registry;
  const config = Buffer.from('{}');
  for (const bytes of [config, payload]) await pushBlob(host, image.name, bytes);
  const mediaType = `${OCI}.manifest.v1+json`;
  const pushed = await pushManifest(host, image.name, `artifact-${payload.length}`, {
    ...{ schemaVersion: 2, mediaType, artifactType: BUNDLE },
    config: descriptorOf('application/vnd.oci.empty.v1+json', config),
    layers: [descriptorOf(BUNDLE, payload)],
    subject: { mediaType, digest: subject.digest, size: subject.size },
  });
  return { mediaType, digest: pushed.digest, size: pushed.size };
}

describe.each(['cosign', 'cosign3'])('what %s signed', (tool) => {
  const isBlob = (path: string): boolean => path.includes('/blobs/');
  const where = tool === 'cosign' ? /\.sig$/ : /\/manifests\/sha256:/;
  const manifestCode = tool === 'cosign' ? 'malformed' : 'digest-mismatch';

  test.each<[string, (path: string) => Fault | null, string]>([
    ['is found', () => null, 'found'],
    [
      'with a byte of its blob changed',
      (path) => (isBlob(path) ? { type: 'corrupt', atByte: 3 } : null),
      'digest-mismatch',
    ],
    ['without its blob', (path) => (isBlob(path) ? { type: 'status', status: 404 } : null), 'missing'],
    [
      'with another manifest',
      (path) => (where.test(path) ? { type: 'replace', body: Buffer.from('{}') } : null),
      manifestCode,
    ],
  ])('%s', async (_what, misbehave, code) => {
    expect(await lookAt(signed(tool), misbehave)).toEqual([code]);
  });

  test('fails with the registry, which is no answer', async () => {
    const failing = lookAt(signed(tool), (path) => (isBlob(path) ? { type: 'status', status: 401 } : null));
    await expect(failing).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

test('an artifact that refers to another image is refused wherever it is listed', async () => {
  const [image, other] = [await world.build('refer-a'), await world.build('refer-b')];
  await refer(image, [await pushBundle(image, Buffer.from('{"a":1}'), other)]);
  expect(await lookAt(image)).toEqual(['other-subject']);
  await refer(image, [await pushBundle(image, Buffer.from('{"a":12}'), image)]);
  expect(await lookAt(image)).toEqual(['found']);
});

test('no more than 64 in one place, and of 4 MiB each, are looked at', async () => {
  const image = await world.build('many');
  const bundles: object[] = [];
  for (let nth = 0; nth < 66; nth += 1) bundles.push(await pushBundle(image, Buffer.alloc(nth + 10, ' '), image));
  await refer(image, bundles);
  const found = await lookAt(image);
  expect([found[0], found.length]).toEqual(['too-large', 65]);
  const large = await world.build('large');
  await refer(large, [await pushBundle(large, Buffer.alloc(4 * 1024 * 1024 + 1, ' '), large)]);
  expect(await lookAt(large)).toEqual(['too-large']);
});

test('and no more than 32 MiB of one image', async () => {
  const image = await world.build('heavy');
  const bundles: object[] = [];
  for (let nth = 0; nth < 10; nth += 1) {
    bundles.push(await pushBundle(image, Buffer.alloc(4 * 1024 * 1024 - nth, ' '), image));
  }
  await refer(image, bundles);
  expect(await lookAt(image)).toEqual([...Array(8).fill('found'), 'too-large']);
});
