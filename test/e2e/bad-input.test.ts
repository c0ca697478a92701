import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { NodeStatus } from '../../manifests/index.ts';
import { webManifest } from '../demo/manifests.ts';
import { sign } from '../world/cosign.ts';
import { type Fleet, holds, runningPids, startFleet } from '../world/fleet.ts';
import { type BuiltImage, buildBusyboxImage } from '../world/image-builder.ts';
import type { Program } from '../world/program.ts';

let fleet: Fleet;
let agent: Program;
let good: BuiltImage;
let pids: string;

beforeAll(async () => {
  fleet = await startFleet();
  good = await fleet.publish('good');
  await commit(webManifest({ image: good.reference, replicas: 1 }));
  agent = await fleet.startAgent();
  pids = JSON.stringify(runningPids(await fleet.until('the good version runs', (now) => holds(now, 'Synced'))));
});

afterAll(async () => {
  await agent?.stop();
  await fleet?.stop();
});

/** Whatever the test committed: the container of the good version was never touched, and a good commit is taken again. */
afterEach(async () => {
  expect(JSON.stringify(runningPids(await fleet.status()))).toBe(pids);
  fleet.breakRegistry(null);
  await commit(webManifest({ image: good.reference, replicas: 1 }));
  await fleet.until('the good version is wanted again', (now) => holds(now, 'Synced'));
  expect(JSON.stringify(runningPids(await fleet.status()))).toBe(pids);
});

let count = 0;
const commit = (text: string): Promise<string> =>
  fleet.author.commit({ files: { 'web.yaml': text }, message: `commit ${++count}` });

const refusal = async (text: string): Promise<NonNullable<NodeStatus['refused']>> => {
  const id = await commit(text);
  const { refused } = await fleet.until('the commit is refused', (now) => now.refused?.commit === id);
  if (refused === null) throw new Error('not refused');
  return refused;
};

describe('a commit is refused as a whole, with file, line and field, when it has', () => {
  test('broken YAML', async () => {
    const { code, problems } = await refusal('apiVersion: v1\nkind: [Pod\n');
    expect(code).toBe('invalid-manifests');
    expect(problems[0]).toEqual(expect.objectContaining({ file: 'web.yaml', line: expect.any(Number) }));
  });

  test('an unknown field, next to a field of nearly that name', async () => {
    const { problems } = await refusal(webManifest({ image: good.reference }).replace('image:', 'imagee:'));
    expect(problems).toContainEqual(
      expect.objectContaining({
        file: 'web.yaml',
        line: 16,
        path: 'spec.template.spec.containers[0].imagee',
        message: expect.stringContaining('image'),
      }),
    );
  });

  test('no workload at all', async () => {
    expect((await refusal('# nothing\n')).code).toBe('empty-revision');
  });
});

describe('the good version runs on while the new one has', () => {
  const failing = async (reference: string): Promise<string> => {
    const id = await commit(webManifest({ image: reference, replicas: 1 }));
    const status = await fleet.until(
      'the new version fails',
      (now) => now.revision?.commit === id && now.workloads[0]?.state === 'Failed',
      60_000,
    );
    return status.workloads[0]?.message ?? '';
  };

  test('an image that does not exist', async () => {
    const missing = good.reference.replace(/sha256:.{64}/, `sha256:${'0'.repeat(64)}`);
    expect(await failing(missing)).toContain(missing);
  });

  test('a layer with a wrong digest', async () => {
    const image = await fleet.publish('corrupt');
    fleet.breakRegistry(({ url }) => (isLayer(url, image) ? { type: 'corrupt', atByte: 1_000 } : null));
    expect(await failing(image.reference)).toMatch(/was changed on the way/);
  });

  test('a layer whose tar climbs out of it', async () => {
    const image = await buildBusyboxImage({
      registry: fleet.registryHost,
      name: 'app',
      tag: 'escape',
      files: [{ name: '../../escaped', content: 'x' }],
      config: { User: '1000' },
    });
    await sign({ key: fleet.imageKey, reference: image.reference });
    expect(await failing(image.reference)).toMatch(/escaped/);
  });

  test('a program that is not in the image', async () => {
    const text = webManifest({ image: good.reference, replicas: 1 }).replace(
      '          securityContext:',
      '          command: [/bin/not-there]\n          securityContext:',
    );
    const id = await commit(text);
    const status = await fleet.until(
      'it fails',
      (now) => now.revision?.commit === id && now.workloads[0]?.state === 'Failed',
    );
    expect(status.workloads[0]?.message).toContain('/bin/not-there');
  });
});

test('a registry that dies in the middle of a layer only delays the new version', async () => {
  const image = await fleet.publish('cut');
  let cuts = 0;
  fleet.breakRegistry(({ url }) => (isLayer(url, image) && ++cuts <= 2 ? { type: 'cut', afterBytes: 10_000 } : null));
  const id = await commit(webManifest({ image: image.reference, replicas: 1 }));
  const status = await fleet.until(
    'the new version runs',
    (now) => now.revision?.commit === id && holds(now, 'Synced'),
    60_000,
  );
  expect(cuts).toBeGreaterThan(1);
  pids = JSON.stringify(runningPids(status));
  good = image;
});

function isLayer(url: string, image: BuiltImage): boolean {
  return image.layerDigests.some((digest) => url.endsWith(`/blobs/${digest}`));
}
