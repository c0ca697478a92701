import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { authoritiesOfKeys } from '../../agent/images/signature/authority.ts';
import type { Evidence } from '../../agent/images/signature/found-evidence.ts';
import { readTrustedKey } from '../../agent/images/signature/trusted-key.ts';
import { verifyAll } from '../../agent/images/signature/verify-evidence.ts';
import { attestBundle, type CosignKey, generateKey, sign } from '../world/cosign.ts';
import { type BuiltImage, buildImage, buildIndex } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

const SIGNED = 'https://sigstore.dev/cosign/sign/v1';

let registry: Registry;
let directory: TempDir;
let ours: CosignKey;
let theirs: CosignKey;
let nth = 0;

beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
  [ours, theirs] = await Promise.all([generateKey(directory.path, 'ours'), generateKey(directory.path, 'theirs')]);
});

afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

const freshState = (): string => join(directory.path, `state-${nth++}`);
const trusted = () => [{ name: 'release', keyFile: ours.publicKeyFile }];

async function build(name: string, content = name): Promise<BuiltImage> {
  return buildImage({ registry: registry.host, name, tag: '1', layers: [[{ name: 'f', content }]] });
}

async function signersOf(reference: string, stateDir = freshState()): Promise<readonly string[]> {
  const source = await openSource(stateDir, [registry.host], { trustedKeys: trusted() });
  return (await source.resolve(reference)).facts.signedBy;
}

/** Puts the signatures of one image where those of another would be, as anyone who may push can. */
async function copySignatures(from: BuiltImage & { name: string }, to: BuiltImage & { name: string }): Promise<void> {
  const base = `http://${registry.host}/v2`;
  const tagOf = ({ digest }: BuiltImage): string => `${digest.replace(':', '-')}.sig`;
  const answer = await fetch(`${base}/${from.name}/manifests/${tagOf(from)}`, {
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  const response = await fetch(`${base}/${to.name}/manifests/${tagOf(to)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
    body: await answer.text(),
  });
  expect(response.status).toBe(201);
}

describe('an image signed with the real cosign', () => {
  test('is signed by the key that is trusted, by tag and by digest', async () => {
    const image = await build('good');
    await sign({ key: ours, reference: image.reference });
    expect(await signersOf(image.reference)).toEqual(['release']);
    expect(await signersOf(image.tagReference)).toEqual(['release']);
  });

  test('and by a stranger too is signed by the key that is trusted', async () => {
    const image = await build('both');
    await sign({ key: theirs, reference: image.reference });
    await sign({ key: ours, reference: image.reference });
    expect(await signersOf(image.reference)).toEqual(['release']);
  });

  test('as a bundle is signed, and one with only another attestation is not', async () => {
    const [image, attested] = await Promise.all([build('bundle'), build('attested')]);
    const predicate = { key: ours, directory: directory.path };
    await attestBundle({ ...predicate, reference: image.reference, predicateType: SIGNED });
    await attestBundle({ ...predicate, reference: attested.reference, predicateType: 'https://example.com/scan/v1' });
    expect(await signersOf(image.reference)).toEqual(['release']);
    expect(await signersOf(attested.reference)).toEqual([]);
  });

  test('through its index is signed, and so is one signed itself below an index', async () => {
    const [viaIndex, viaManifest] = await Promise.all([build('index-a'), build('index-b')]);
    const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch };
    const indexOf = (name: string, image: BuiltImage): Promise<BuiltImage> =>
      buildIndex({ registry: registry.host, name, tag: 'multi', images: [{ ...image, platform }] });
    const [first, second] = await Promise.all([indexOf('index-a', viaIndex), indexOf('index-b', viaManifest)]);
    await sign({ key: ours, reference: first.reference });
    await sign({ key: ours, reference: viaManifest.reference });
    expect(await signersOf(first.reference)).toEqual(['release']);
    expect(await signersOf(second.reference)).toEqual(['release']);
    expect(await signersOf(viaIndex.reference)).toEqual([]);
  });
});

describe('an image is not signed', () => {
  test('without a signature, or with only a stranger’s', async () => {
    const [bare, foreign] = await Promise.all([build('bare'), build('foreign')]);
    await sign({ key: theirs, reference: foreign.reference });
    expect(await signersOf(bare.reference)).toEqual([]);
    expect(await signersOf(foreign.reference)).toEqual([]);
  });

  test('by a signature copied from another image', async () => {
    const [image, evil] = await Promise.all([build('copy', 'good'), build('copy', 'evil')]);
    await sign({ key: ours, reference: image.reference });
    await copySignatures({ ...image, name: 'copy' }, { ...evil, name: 'copy' });
    expect(await signersOf(evil.reference)).toEqual([]);
    expect(await signersOf(image.reference)).toEqual(['release']);
  });
});

describe('offline, after a restart', () => {
  test('signatures are verified again from what is stored', async () => {
    const away = await startRegistry();
    const image = await buildImage({ registry: away.host, name: 'away', layers: [[{ name: 'f' }]] });
    await sign({ key: ours, reference: image.reference });
    const stateDir = freshState();
    const online = await openSource(stateDir, [away.host], { trustedKeys: trusted() });
    expect((await online.resolve(image.reference)).facts.signedBy).toEqual(['release']);
    await away.stop();
    const reopen = async (trustedKeys: ReturnType<typeof trusted>): Promise<readonly string[]> => {
      const source = await openSource(stateDir, [away.host], { trustedKeys, attempts: 1 });
      return (await source.resolve(image.reference)).facts.signedBy;
    };
    expect(await reopen(trusted())).toEqual(['release']);
    expect(await reopen([{ name: 'renamed', keyFile: ours.publicKeyFile }])).toEqual(['renamed']);
    expect(await reopen([{ name: 'release', keyFile: theirs.publicKeyFile }])).toEqual([]);
  });

  test('a record that claims a signature that is not stored is not believed', async () => {
    const image = await build('forged');
    const signed = await build('forger');
    await sign({ key: ours, reference: signed.reference });
    const stateDir = freshState();
    await signersOf(image.reference, stateDir);
    await signersOf(signed.reference, stateDir);
    const folder = join(stateDir, 'images/references');
    const read = async (name: string): Promise<Record<string, unknown>> =>
      JSON.parse(await readFile(join(folder, name), 'utf8'));
    const records = await Promise.all(
      (await readdir(folder)).map(async (name) => ({ name, record: await read(name) })),
    );
    const evidence = records.find(({ record }) => record.reference === signed.reference)?.record.evidence;
    const victim = records.find(({ record }) => record.reference === image.reference);
    expect(evidence).toHaveLength(1);
    await writeFile(join(folder, victim?.name ?? ''), JSON.stringify({ ...victim?.record, evidence }));
    expect(await signersOf(image.reference, stateDir)).toEqual([]);
  });

  test('a damaged signature is looked for again', async () => {
    const image = await build('damaged');
    await sign({ key: ours, reference: image.reference });
    const stateDir = freshState();
    await signersOf(image.reference, stateDir);
    const blobs = join(stateDir, 'images/blobs/sha256');
    for (const name of await readdir(blobs)) await rm(join(blobs, name));
    expect(await signersOf(image.reference, stateDir)).toEqual(['release']);
  });
});

test('an image that is signed after it was first seen becomes signed without being forgotten', async () => {
  const image = await build('later');
  const stateDir = freshState();
  expect(await signersOf(image.reference, stateDir)).toEqual([]);
  await sign({ key: ours, reference: image.reference });
  const source = await openSource(stateDir, [registry.host], { trustedKeys: trusted() });
  const deadline = Date.now() + 10_000;
  let signedBy: readonly string[] = [];
  while (signedBy.length === 0 && Date.now() < deadline) {
    signedBy = (await source.resolve(image.reference)).facts.signedBy;
    await sleep(10);
  }
  expect(signedBy).toEqual(['release']);
  expect(await signersOf(image.reference, stateDir)).toEqual(['release']);
});

describe('a signature of every kind of key', () => {
  const digest = `sha256:${'d'.repeat(64)}`;
  const payload = Buffer.from(
    JSON.stringify({
      critical: { type: 'cosign container image signature', image: { 'docker-manifest-digest': digest } },
    }),
  );
  const kinds = {
    'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    ed25519: () => generateKeyPairSync('ed25519'),
    rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  };

  test.each(Object.entries(kinds))('%s verifies over exactly the signed bytes and digest', async (name, generate) => {
    const { publicKey, privateKey } = generate();
    const keyFile = join(directory.path, `${name}.pub`);
    await writeFile(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
    const key = await readTrustedKey({ name, keyFile });
    const signature = signBytes(name === 'ed25519' ? null : 'sha256', payload, privateKey).toString('base64');
    const evidence: Evidence = { scheme: 'simple-signing', payload, signature, beside: {} };
    const verdict = async (changed: Partial<Evidence>, digests = [digest]): Promise<readonly string[]> => {
      const terms = { authorities: authoritiesOfKeys([key]), digests, now: Date.now() };
      const { signatures, rejected } = await verifyAll([{ ...evidence, ...changed }], terms);
      return [...signatures.map(({ authority }) => authority), ...rejected.map(({ code }) => code)];
    };
    expect(await verdict({})).toEqual([name]);
    expect(await verdict({}, [`sha256:${'e'.repeat(64)}`])).toEqual(['other-image']);
    expect(await verdict({ payload: Buffer.concat([payload, Buffer.from(' ')]) })).toEqual(['unknown-signer']);
    expect(await verdict({ signature: '' })).toEqual(['unknown-signer']);
    expect(await verdict({ signature: '?' })).toEqual(['malformed']);
    expect(await verdict({ scheme: 'bundle' })).toEqual(['malformed']);
  });

  test.each([
    ['a missing file', null],
    ['no PEM', 'key'],
    [
      'a private key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
    [
      'a short RSA key',
      generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' }),
    ],
    [
      'another curve',
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ type: 'spki', format: 'pem' }),
    ],
    ['damaged PEM', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
  ])('is not taken on trust from %s', async (_what, pem) => {
    const keyFile = join(directory.path, `bad-${nth++}.pub`);
    if (pem !== null) await writeFile(keyFile, pem);
    await expect(openSource(freshState(), [], { trustedKeys: [{ name: 'k', keyFile }] })).rejects.toThrow(keyFile);
  });
});
