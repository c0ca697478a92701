import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Evidence } from '../../agent/images/signature/found-evidence.ts';
import type { ImagePolicy } from '../../manifests/index.ts';
import { makeNotationSigner, type NotationSigner, signWithNotation } from '../world/notation.ts';
import {
  type Changeable,
  changedJson,
  codes,
  type EvidenceWorld,
  imagePolicy,
  judge,
  type NamedImage,
  signers,
  startEvidenceWorld,
} from './evidence-world.ts';

const DAY_MS = 86_400_000;

let world: EvidenceWorld;
let builds: NotationSigner;
let stranger: NotationSigner;
let image: NamedImage;
let evidence: readonly Evidence[];

beforeAll(async () => {
  world = await startEvidenceWorld();
  const directory = world.directory.path;
  builds = makeNotationSigner(directory, { subject: '/C=DE/ST=Berlin/O=acme, inc/CN=builds' });
  stranger = makeNotationSigner(directory, { subject: '/C=DE/ST=Berlin/O=acme, inc/CN=builds' });
  image = await world.build('noted');
  await signWithNotation(builds, { reference: image.reference, directory, expiry: '1h' });
  evidence = await world.find(image);
});

afterAll(() => world.stop());

const trusting = (pem: string, change: object = {}): ImagePolicy =>
  imagePolicy({ authorities: [{ name: 'builds', notation: { certificates: { pem }, ...change } }] });

const fingerprint = (pem: string): string =>
  `sha256:${createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')}`;

const verdict = async (
  policy: ImagePolicy,
  changes: { readonly digest?: string; readonly now?: number; readonly evidence?: readonly Evidence[] } = {},
): Promise<readonly string[]> => {
  const { digest = image.digest, now = Date.now() } = changes;
  const verified = await judge(policy, changes.evidence ?? evidence, [digest], now);
  return [...signers(verified), ...codes(verified)];
};

describe('a signature of the real notation', () => {
  test('counts by the authority or the certificate itself, and is known by its subject', async () => {
    expect(await verdict(trusting(builds.root))).toEqual(['shop/builds']);
    expect(await verdict(trusting(builds.certificate))).toEqual(['shop/builds']);
    const { signatures } = await judge(trusting(builds.root), evidence, [image.digest]);
    expect(signatures).toMatchObject([{ kind: 'notation', subjectDigest: image.digest, signedAt: null }]);
    expect(signatures[0]?.signer).toMatch(/CN=builds/);
  });

  test.each<[string, string, readonly string[]]>([
    ['some of its attributes', 'C=DE, O=acme\\, inc', ['shop/builds']],
    ['another value', 'C=DE, O=acme', ['other-identity']],
    ['an attribute it has not', 'C=DE, OU=acme', ['other-identity']],
    ['a name that every object has', 'constructor=x', ['other-identity']],
  ])('is held to %s', async (_what, identity, expected) => {
    expect(await verdict(trusting(builds.root, { identities: [identity] }))).toEqual(expected);
  });

  test('does not count for another image, by another authority, revoked, or when its time is over', async () => {
    const policy = trusting(builds.root);
    expect(await verdict(policy, { digest: `sha256:${'a'.repeat(64)}` })).toEqual(['other-image']);
    expect(await verdict(trusting(stranger.root))).toEqual(['untrusted-certificate']);
    expect(await verdict({ ...policy, revoked: [fingerprint(builds.certificate)] })).toEqual(['revoked']);
    expect(await verdict({ ...policy, revoked: [fingerprint(builds.root)] })).toEqual(['revoked']);
    expect(await verdict(policy, { now: Date.now() + DAY_MS / 2 })).toEqual(['expired-signature']);
    expect(await verdict(policy, { now: Date.now() + 3 * DAY_MS })).toEqual(['expired-certificate']);
    expect(await verdict(policy, { now: Date.now() - 3 * DAY_MS })).toEqual(['expired-certificate']);
  });

  test.each<[string, (envelope: Changeable) => void, string]>([
    ['payload', (envelope) => (envelope.payload = encode({ targetArtifact: { digest: 'sha256:0' } })), 'bad-signature'],
    ['signature', (envelope) => (envelope.signature = Buffer.alloc(64, 1).toString('base64url')), 'bad-signature'],
    ['header', (envelope) => (envelope.protected = header(envelope, (said) => (said.x = 1))), 'bad-signature'],
    [
      'critical header',
      (envelope) =>
        (envelope.protected = header(envelope, ({ crit }) => crit.push('io.cncf.notary.verificationPlugin'))),
      'unsupported',
    ],
    [
      'algorithm',
      (envelope) => (envelope.protected = header(envelope, (said) => (said.alg = 'PS256'))),
      'bad-signature',
    ],
    [
      'algorithm of nobody',
      (envelope) => (envelope.protected = header(envelope, (said) => (said.alg = 'none'))),
      'malformed',
    ],
    ['chain', ({ header: { x5c } }) => x5c.pop(), 'untrusted-certificate'],
    ['order of its chain', ({ header: { x5c } }) => x5c.reverse(), 'bad-signature'],
    ['certificate', ({ header: { x5c } }) => (x5c[0] = 'AAAA'), 'malformed'],
    ['field', (envelope) => (envelope.more = 1), 'malformed'],
  ])('with another %s is refused', async (_what, change, code) => {
    const changed = evidence.map((one) => ({ ...one, payload: changedJson(one.payload, change) }));
    expect(await verdict(trusting(builds.root), { evidence: changed })).toEqual([code]);
  });
});

test.each([
  [
    'that is for servers',
    'basicConstraints=CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n',
  ],
  ['of an authority', 'basicConstraints=critical,CA:true\nkeyUsage=critical,digitalSignature,keyCertSign\n'],
])('a certificate %s does not sign images', async (what, extensions) => {
  const directory = world.directory.path;
  const wrong = makeNotationSigner(directory, { subject: '/C=DE/ST=Berlin/O=acme/CN=wrong', extensions });
  // notation itself refuses to sign so: what the right one signed, with the wrong certificate in its place.
  const chain = [wrong.certificate, wrong.root].map((pem) => new X509Certificate(pem).raw.toString('base64'));
  const payload = (one: Evidence): Buffer =>
    changedJson(one.payload, (envelope) => {
      envelope.header.x5c = chain;
      envelope.signature = signAgain(envelope, wrong);
    });
  const changed = evidence.map((one) => ({ ...one, payload: payload(one) }));
  expect([what, await verdict(trusting(wrong.root), { evidence: changed })]).toEqual([what, ['untrusted-certificate']]);
});

test('a COSE envelope is told to be unsupported', async () => {
  const cose = await world.build('cose');
  await signWithNotation(builds, { reference: cose.reference, directory: world.directory.path, format: 'cose' });
  expect(await verdict(trusting(builds.root), { evidence: await world.find(cose), digest: cose.digest })).toEqual([
    'unsupported',
  ]);
});

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function header(envelope: Changeable, change: (said: Changeable) => void): string {
  return changedJson(Buffer.from(envelope.protected, 'base64url'), change).toString('base64url');
}

function signAgain(envelope: Changeable, { keyFile }: NotationSigner): string {
  const key = { key: createPrivateKey(readFileSync(keyFile)), dsaEncoding: 'ieee-p1363' as const };
  return sign('sha256', Buffer.from(`${envelope.protected}.${envelope.payload}`), key).toString('base64url');
}
