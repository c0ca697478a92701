import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keyFingerprint } from '../../agent/images/signature/fingerprint.ts';
import type { Evidence } from '../../agent/images/signature/found-evidence.ts';
import { policiesFor } from '../../agent/images/signature/policies-for.ts';
import { type ImagePolicy, parsePublicKey } from '../../manifests/index.ts';
import { type CosignKey, generateKey, signAs } from '../world/cosign.ts';
import {
  changedJson,
  codes,
  type EvidenceWorld,
  imagePolicy,
  judge,
  lacks,
  type NamedImage,
  signers,
  startEvidenceWorld,
} from './evidence-world.ts';

const SCAN = 'https://cosign.sigstore.dev/attestation/vuln/v1';
const HOUR_MS = 3_600_000;
const TOOLS = ['cosign', 'cosign3'] as const;

let world: EvidenceWorld;
let [release, security, stranger]: CosignKey[] = [];
const pems = new Map<CosignKey | undefined, string>();

beforeAll(async () => {
  world = await startEvidenceWorld();
  const { path } = world.directory;
  [release, security, stranger] = await Promise.all(['a', 'b', 'c'].map((name) => generateKey(path, name)));
  for (const key of [release, security, stranger]) pems.set(key, await readFile(key?.publicKeyFile ?? '', 'utf8'));
});

afterAll(() => world.stop());

const byKey = (name: string, key: CosignKey | undefined, term: object = {}): object => ({
  ...{ name, key: { pem: pems.get(key) } },
  ...term,
});
const fingerprint = (key: CosignKey | undefined): string => {
  const parsed = parsePublicKey(pems.get(key) ?? '');
  return typeof parsed === 'string' ? parsed : keyFingerprint(parsed);
};
const signBy = async (key: CosignKey | undefined, image: NamedImage, tool: (typeof TOOLS)[number]): Promise<void> => {
  if (!key) throw new Error('no key');
  await signAs({ by: { key }, reference: image.reference, tool, directory: world.directory.path });
};
const attest = async (image: NamedImage, tool: (typeof TOOLS)[number], scannedAt = new Date()): Promise<void> => {
  if (!release) throw new Error('no key');
  const predicate = { scanner: { uri: 'test' }, metadata: { scanFinishedOn: scannedAt.toISOString() } };
  const attestation = { predicateType: SCAN, predicate };
  const signing = { by: { key: release }, reference: image.reference, tool, directory: world.directory.path };
  await signAs({ ...signing, attestation });
};

describe.each(TOOLS)('what %s signs with a key', (tool) => {
  let image: NamedImage;
  let evidence: readonly Evidence[];
  let policy: ImagePolicy;

  beforeAll(async () => {
    image = await world.build(`signed-${tool}`);
    await signBy(release, image, tool);
    evidence = await world.find(image);
    policy = imagePolicy({ authorities: [byKey('release', release)] });
  });

  test('counts, and is known by the key’s fingerprint', async () => {
    const verified = await judge(policy, evidence, [image.digest]);
    expect(verified.signatures).toEqual([
      {
        ...{ authority: 'shop/release', kind: 'key', signer: fingerprint(release) },
        ...{ subjectDigest: image.digest, signedAt: null },
      },
    ]);
    expect(lacks(policy, verified)).toEqual([]);
  });

  test('does not count for another image, by another key, or when the key was revoked', async () => {
    expect(codes(await judge(policy, evidence, [`sha256:${'a'.repeat(64)}`]))).toEqual(['other-image']);
    const other = imagePolicy({ authorities: [byKey('release', stranger)] });
    expect(codes(await judge(other, evidence, [image.digest]))).toEqual(['unknown-signer']);
    const revoked = { ...policy, revoked: [fingerprint(release)] };
    expect(codes(await judge(revoked, evidence, [image.digest]))).toEqual(['revoked']);
  });

  test('counts while the key does, and its successor counts from when it is to', async () => {
    const change = '2030-01-01T00:00:00Z';
    const rotation = imagePolicy({
      authorities: [byKey('old', release, { notAfter: change }), byKey('new', security, { notBefore: change })],
    });
    const at = async (time: number) => {
      const verified = await judge(rotation, evidence, [image.digest], time);
      return [...signers(verified), ...codes(verified)];
    };
    expect(await at(Date.parse(change))).toEqual(['shop/old']);
    expect(await at(Date.parse(change) + 1)).toEqual(['key-not-valid']);
    const early = imagePolicy({ authorities: [byKey('new', release, { notBefore: change })] });
    expect(codes(await judge(early, evidence, [image.digest]))).toEqual(['key-not-valid']);
  });

  test('counts once, whatever the authorities are called, and a second signer counts too', async () => {
    const twice = imagePolicy({ threshold: 2, authorities: [byKey('one', release), byKey('two', release)] });
    const verified = await judge(twice, evidence, [image.digest]);
    expect([signers(verified), lacks(twice, verified)]).toEqual([['shop/one', 'shop/two'], ['image-not-signed']]);
    const both = await world.build(`both-${tool}`);
    await signBy(release, both, tool);
    await signBy(security, both, tool);
    const two = imagePolicy({ threshold: 2, authorities: [byKey('one', release), byKey('two', security)] });
    expect(lacks(two, await judge(two, await world.find(both), [both.digest]))).toEqual([]);
  });

  test('is refused when a byte of it changed', async () => {
    const changed = evidence.map((one): Evidence => {
      if (one.scheme === 'simple-signing') return { ...one, payload: Buffer.concat([one.payload, Buffer.from(' ')]) };
      const change = (text: string): string => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
      const payload = changedJson(one.payload, ({ dsseEnvelope }) => {
        dsseEnvelope.payload = change(dsseEnvelope.payload);
      });
      return { ...one, payload };
    });
    const code = tool === 'cosign' ? 'unknown-signer' : 'bad-signature';
    expect(codes(await judge(policy, changed, [image.digest]))).toEqual([code]);
  });
});

describe.each(TOOLS)('an attestation of %s', (tool) => {
  const wanted = (change: object = {}): ImagePolicy =>
    imagePolicy({
      ...{ threshold: 0, authorities: [byKey('release', release), byKey('security', security)] },
      attestations: [{ predicateType: SCAN, ...change }],
    });

  test('is asked for by its type and by who makes it, and does not sign the image', async () => {
    const image = await world.build(`scanned-${tool}`);
    await attest(image, tool);
    const evidence = await world.find(image);
    const verdict = async (policy: ImagePolicy) => lacks(policy, await judge(policy, evidence, [image.digest]));
    expect(await verdict(wanted())).toEqual([]);
    expect(await verdict(wanted({ authorities: ['security'] }))).toEqual(['attestation-missing']);
    expect(await verdict(wanted({ threshold: 2 }))).toEqual(['attestation-missing']);
    expect(await verdict(wanted({ predicateType: 'https://slsa.dev/provenance/v1' }))).toEqual(['attestation-missing']);
    expect(await verdict(imagePolicy({ authorities: [byKey('release', release)] }))).toEqual(['image-not-signed']);
    expect(lacks(wanted(), await judge(wanted(), [], [image.digest]))).toEqual(['attestation-missing']);
  });

  test('grows old, and one of another image is none', async () => {
    const [image, other] = [await world.build(`old-${tool}`), await world.build(`other-${tool}`)];
    await attest(image, tool, new Date(Date.now() - 3 * HOUR_MS));
    const evidence = await world.find(image);
    const verified = await judge(wanted(), evidence, [image.digest]);
    expect(lacks(wanted({ maxAgeHours: 4 }), verified)).toEqual([]);
    expect(lacks(wanted({ maxAgeHours: 2 }), verified)).toEqual(['attestation-too-old']);
    const replayed = await judge(wanted(), evidence, [other.digest]);
    expect([codes(replayed), lacks(wanted(), replayed)]).toEqual([['other-image'], ['attestation-missing']]);
  });
});

describe('the policy for an image', () => {
  const named = (name: string, ...repositories: readonly string[]): ImagePolicy =>
    imagePolicy({ repositories, acceptUnsigned: true }, name);
  const all = [named('all', '*'), named('host', 'r.test'), named('team', 'r.test/team', 'docker.io/library')];
  const also = named('also', 'r.test/team');

  test.each([
    ['r.test/team/app', ['team', 'also']],
    ['r.test/team', ['team', 'also']],
    ['R.Test/team/app', ['team', 'also']],
    ['r.test/teams/app', ['host']],
    ['r.test/app', ['host']],
    ['r.test:5000/team/app', ['all']],
    ['xr.test/team/app', ['all']],
    ['docker.io/library/nginx', ['team']],
  ])('%s is by whole components the nearest: %j', (repository, names) => {
    expect(policiesFor([...all, also], repository).map(({ name }) => name)).toEqual(names);
  });

  test('is missing where none is for it, and then it must not run', () => {
    const evidence = { signatures: [], attestations: [], rejected: [] };
    expect(lacks(named('far', 'far.test'), evidence)).toEqual(['no-image-policy']);
    expect(lacks(named('near', 'registry.test/app'), evidence)).toEqual([]);
  });
});
