import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ImagePolicy } from '../../manifests/index.ts';
import { type CosignKey, generateKey, signAs } from '../world/cosign.ts';
import { buildImage } from '../world/image-builder.ts';
import { patience } from '../world/patience.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { faultyRegistryProxy } from '../world/registry-proxy.ts';
import {
  codes,
  type EvidenceWorld,
  imagePolicy,
  type NamedImage,
  signers,
  startEvidenceWorld,
} from './evidence-world.ts';
import { openSource } from './open-source.ts';

let world: EvidenceWorld;
let key: CosignKey;
let policies: readonly ImagePolicy[];

beforeAll(async () => {
  world = await startEvidenceWorld();
  key = await generateKey(world.directory.path);
  const pem = await readFile(key.publicKeyFile, 'utf8');
  policies = [imagePolicy({ authorities: [{ name: 'release', key: { pem } }] })];
});

afterAll(() => world.stop());

const open = (stateDir: string, host = world.registry.host) => openSource(stateDir, [host], { attempts: 1 });

async function signedImage(name: string, { host }: Pick<Registry, 'host'> = world.registry): Promise<NamedImage> {
  const image = {
    ...(await buildImage({ registry: host, name, tag: '1', layers: [[{ name: 'f', content: name }]] })),
    name,
  };
  await signAs({ by: { key }, reference: image.reference, tool: 'cosign', directory: world.directory.path });
  return image;
}

describe('with an ImagePolicy', () => {
  test('signatures are kept with the image and verified again offline, by the policies as they are then', async () => {
    const away = await startRegistry();
    const image = await signedImage('away', away);
    const stateDir = world.freshState();
    const online = await open(stateDir, away.host);
    const { evidence, facts } = await online.resolve(image.tagReference, { policies });
    expect([signers(evidence), facts.signedBy]).toEqual([['shop/release'], ['shop/release']]);
    await away.stop();
    const again = await open(stateDir, away.host);
    expect(signers((await again.resolve(image.tagReference, { policies })).evidence)).toEqual(['shop/release']);
    const recalled = await again.recall(image.tagReference, image.digest, { policies });
    expect(recalled && signers(recalled.evidence)).toEqual(['shop/release']);
    const revoked = policies.map((policy) => ({ ...policy, revoked: [evidence.signatures[0]?.signer ?? ''] }));
    expect(codes((await again.resolve(image.tagReference, { policies: revoked })).evidence)).toEqual(['revoked']);
    expect((await again.resolve(image.tagReference)).evidence.signatures).toEqual([]);
  });

  test('that comes after the image, signatures are asked for then', async () => {
    const image = await signedImage('before');
    const stateDir = world.freshState();
    expect((await (await open(stateDir)).resolve(image.reference)).evidence.signatures).toEqual([]);
    const source = await open(stateDir);
    const recalled = await source.recall(image.reference, image.digest, { policies });
    expect(recalled && signers(recalled.evidence)).toEqual(['shop/release']);
    expect(signers((await source.resolve(image.reference, { policies })).evidence)).toEqual(['shop/release']);
  });

  test('that comes when the registry is gone, signatures are there for an image that a person fetched', async () => {
    const away = await startRegistry();
    const image = await signedImage('fetched', away);
    const stateDir = world.freshState();
    await (await open(stateDir, away.host)).admin.fetch(image.tagReference, null);
    await away.stop();
    const source = await open(stateDir, away.host);
    expect(signers((await source.resolve(image.tagReference, { policies })).evidence)).toEqual(['shop/release']);
  });

  test('a signature that the registry has lost since goes on to count, and a new one is found', async () => {
    const image = await signedImage('lost');
    let isGone = false;
    const proxy = await faultyRegistryProxy(world.registry.host, ({ url }) =>
      isGone && /\.sig$/.test(url) ? { type: 'status', status: 404 } : null,
    );
    try {
      const reference = `${proxy.host}/lost@${image.digest}`;
      const stateDir = world.freshState();
      expect(
        signers((await (await open(stateDir, proxy.host)).resolve(reference, { policies })).evidence),
      ).toHaveLength(1);
      isGone = true;
      const wanting = policies.map((policy) => ({ ...policy, threshold: 2 }));
      const source = await open(stateDir, proxy.host);
      const before = proxy.seen.length;
      await source.resolve(reference, { policies: wanting });
      const deadline = Date.now() + patience(30_000);
      const isAsked = (): boolean => proxy.seen.slice(before).some(({ url }) => url.includes('/referrers/'));
      while (!isAsked() && Date.now() < deadline) await sleep(10);
      expect(isAsked()).toBe(true);
      expect(signers((await source.resolve(reference, { policies })).evidence)).toHaveLength(1);
      expect(
        signers((await (await open(stateDir, proxy.host)).resolve(reference, { policies })).evidence),
      ).toHaveLength(1);
    } finally {
      await proxy.stop();
    }
  });

  test('a stored signature that is damaged does not count, and says so', async () => {
    const away = await startRegistry();
    const image = await signedImage('damaged', away);
    const stateDir = world.freshState();
    await (await open(stateDir, away.host)).resolve(image.reference, { policies });
    await away.stop();
    const records = join(stateDir, 'images/references');
    const [name = ''] = await readdir(records);
    const { evidence } = JSON.parse(await readFile(join(records, name), 'utf8'));
    const blob = join(stateDir, 'images/blobs/sha256', evidence[0].payload.slice('sha256:'.length));
    await writeFile(blob, '{}');
    const resolved = await (await open(stateDir, away.host)).resolve(image.reference, { policies });
    expect([signers(resolved.evidence), codes(resolved.evidence)]).toEqual([[], ['missing']]);
    await rm(blob);
    const without = await (await open(stateDir, away.host)).resolve(image.reference, { policies });
    expect([signers(without.evidence), codes(without.evidence)]).toEqual([[], ['missing']]);
  });
});

test('where the node has keys of its own, only they are told to policies as signers', async () => {
  const image = await signedImage('own');
  const other = await generateKey(world.directory.path, 'other');
  const trustedKeys = [{ name: 'node', keyFile: other.publicKeyFile }];
  const source = await openSource(world.freshState(), [world.registry.host], { trustedKeys });
  const { facts, evidence } = await source.resolve(image.reference, { policies });
  expect([facts.signedBy, signers(evidence)]).toEqual([[], ['shop/release']]);
});
