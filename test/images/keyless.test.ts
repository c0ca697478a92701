import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Evidence } from '../../agent/images/signature/found-evidence.ts';
import type { ImagePolicy } from '../../manifests/index.ts';
import { signAs } from '../world/cosign.ts';
import { type Sigstore, startSigstore } from '../world/sigstore.ts';
import { makeBundle } from '../world/sigstore-bundle.ts';
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

const ISSUER = 'https://token.test';
const SUBJECT = 'https://git.test/acme/app/.ci/release.yml@refs/heads/main';
const PREDICATE = 'https://example.com/scan/v1';

let world: EvidenceWorld;
let sigstore: Sigstore;
let other: Sigstore;
/** By the release of cosign that made it. */
const signed: Record<string, { readonly image: NamedImage; readonly evidence: readonly Evidence[] }> = {};

beforeAll(async () => {
  world = await startEvidenceWorld();
  const directory = world.directory.path;
  sigstore = await startSigstore(directory);
  for (const tool of ['cosign', 'cosign3'] as const) {
    const image = await world.build(tool);
    const { reference } = image;
    await signAs({ by: { sigstore, issuer: ISSUER, subject: SUBJECT }, reference, tool, directory });
    signed[tool] = { image, evidence: await world.find(image) };
  }
  other = await startSigstore(directory);
});

afterAll(async () => {
  await Promise.all([sigstore.stop(), other.stop()]);
  await world.stop();
});

const keyless = (change: object = {}): ImagePolicy =>
  imagePolicy({
    authorities: [
      {
        name: 'ci',
        keyless: {
          trustedRoot: { json: sigstore.trustedRoot },
          identities: [{ issuer: ISSUER, subject: SUBJECT }],
          ...change,
        },
      },
    ],
  });
const of = (tool: string): { readonly image: NamedImage; readonly evidence: readonly Evidence[] } => {
  const found = signed[tool];
  if (!found) throw new Error(tool);
  return found;
};

describe.each(['cosign', 'cosign3'])('a keyless signature of %s', (tool) => {
  test('counts by the identity, the log and its certificate', async () => {
    const { image, evidence } = of(tool);
    const verified = await judge(keyless(), evidence, [image.digest]);
    expect(verified).toMatchObject({
      signatures: [
        { authority: 'shop/ci', kind: 'keyless', signer: `${SUBJECT} (${ISSUER})`, subjectDigest: image.digest },
      ],
      ...{ attestations: [], rejected: [] },
    });
    expect(verified.signatures[0]?.signedAt).toEqual(expect.any(Number));
  });

  test.each<[string, object, readonly string[]]>([
    ['the whole subject by a pattern', { issuer: ISSUER, subjectPattern: 'https://git\\.test/acme/.*' }, []],
    ['the whole issuer by a pattern', { issuerPattern: 'https://token\\.(test|example)', subject: SUBJECT }, []],
    ['a part of the subject', { issuer: ISSUER, subjectPattern: 'https://git\\.test/acme/' }, ['other-identity']],
    ['one of two parts', { issuer: ISSUER, subjectPattern: 'x|https://git\\.test' }, ['other-identity']],
    ['another subject', { issuer: ISSUER, subject: `${SUBJECT}x` }, ['other-identity']],
    ['another issuer', { issuer: 'https://token.test.evil', subject: SUBJECT }, ['other-identity']],
  ])('is held to %s', async (_what, identity, refused) => {
    const { image, evidence } = of(tool);
    expect(codes(await judge(keyless({ identities: [identity] }), evidence, [image.digest]))).toEqual(refused);
  });

  test('does not count for another image', async () => {
    const { evidence } = of(tool);
    expect(codes(await judge(keyless(), evidence, [`sha256:${'a'.repeat(64)}`]))).toEqual(['other-image']);
  });

  test('does not count under the root of somebody else', async () => {
    const { image, evidence } = of(tool);
    const theirs = keyless({ trustedRoot: { json: other.trustedRoot } });
    expect(codes(await judge(theirs, evidence, [image.digest]))).toEqual(['untrusted-certificate']);
  });

  test.each<[string, (root: Changeable) => void, string]>([
    ['certificate log', (root) => (root.ctlogs = []), 'no-certificate-log'],
    ['transparency log', (root) => (root.tlogs = []), 'no-log-entry'],
  ])('does not count without a trusted %s', async (_what, change, code) => {
    const { image, evidence } = of(tool);
    const json = changedJson(Buffer.from(sigstore.trustedRoot), change).toString();
    expect(codes(await judge(keyless({ trustedRoot: { json } }), evidence, [image.digest]))).toEqual([code]);
  });

  test('does not count without as many timestamps, logs or certificate logs as are wanted', async () => {
    const { image, evidence } = of(tool);
    const refused = async (change: object) => codes(await judge(keyless(change), evidence, [image.digest]));
    expect(await refused({ timestamps: 1 })).toEqual(['no-timestamp']);
    expect(await refused({ logEntries: 2 })).toEqual(['no-log-entry']);
    expect(await refused({ certificateLogs: 2 })).toEqual(['no-certificate-log']);
  });
});

/** The parts of cosign 3's bundle, changed one at a time. */
describe('a bundle', () => {
  const refused = async (change: (bundle: Changeable) => void, policy = keyless()) => {
    const { image, evidence } = of('cosign3');
    const changed = evidence.map((one) => ({ ...one, payload: changedJson(one.payload, change) }));
    const verified = await judge(policy, changed, [image.digest]);
    return [...signers(verified), ...codes(verified)];
  };
  const flip = (text: string, at: number): string => {
    const bytes = Buffer.from(text, 'base64');
    bytes[at < 0 ? bytes.length + at : at] = (bytes.at(at) ?? 0) ^ 1;
    return bytes.toString('base64');
  };

  test('that was not changed counts', async () => {
    expect(await refused(() => undefined)).toEqual(['shop/ci']);
  });

  test.each<[string, (bundle: Changeable) => void, string]>([
    ['payload', ({ dsseEnvelope }) => (dsseEnvelope.payload = flip(dsseEnvelope.payload, 20)), 'bad-signature'],
    [
      'signature',
      ({ dsseEnvelope: { signatures } }) => (signatures[0].sig = flip(signatures[0].sig, -1)),
      'bad-signature',
    ],
    [
      'certificate',
      ({ verificationMaterial: { certificate } }) => (certificate.rawBytes = flip(certificate.rawBytes, -1)),
      'untrusted-certificate',
    ],
    [
      'log entry’s time',
      ({ verificationMaterial: { tlogEntries } }) =>
        (tlogEntries[0].integratedTime = String(Number(tlogEntries[0].integratedTime) + 1)),
      'no-log-entry',
    ],
    [
      'log entry’s promise',
      ({ verificationMaterial: { tlogEntries } }) => delete tlogEntries[0].inclusionPromise,
      'no-timestamp',
    ],
    ['list of log entries', ({ verificationMaterial }) => (verificationMaterial.tlogEntries = []), 'no-timestamp'],
    ['media type', (bundle) => (bundle.mediaType = 'application/json'), 'malformed'],
    ['certificate’s form', ({ verificationMaterial: { certificate } }) => (certificate.rawBytes = 'AAAA'), 'malformed'],
    ['payload type', ({ dsseEnvelope }) => (dsseEnvelope.payloadType = 'text/plain'), 'malformed'],
  ])('with another %s is refused', async (_what, change, code) => {
    expect(await refused(change)).toEqual([code]);
  });

  test('with a timestamp of the trusted authority counts where one is wanted, and a stranger’s does not', async () => {
    const { evidence } = of('cosign3');
    const [one] = evidence;
    const { dsseEnvelope } = JSON.parse(String(one?.payload));
    const signature = Buffer.from(dsseEnvelope.signatures[0].sig, 'base64');
    const withTimestamp = async (from: Sigstore, over: Buffer) => {
      const signedTimestamp = await from.timestamp(over);
      const data = { rfc3161Timestamps: [{ signedTimestamp }] };
      return refused(
        ({ verificationMaterial }) => (verificationMaterial.timestampVerificationData = data),
        keyless({ timestamps: 1 }),
      );
    };
    expect(await withTimestamp(sigstore, signature)).toEqual(['shop/ci']);
    expect(await withTimestamp(other, signature)).toEqual(['no-timestamp']);
    expect(await withTimestamp(sigstore, Buffer.from('else'))).toEqual(['no-timestamp']);
  });
});

test('a certificate that was revoked does not count', async () => {
  const { image, evidence } = of('cosign3');
  const { verificationMaterial } = JSON.parse(String(evidence[0]?.payload));
  const der = Buffer.from(verificationMaterial.certificate.rawBytes, 'base64');
  const revoked = [`sha256:${createHash('sha256').update(der).digest('hex')}`];
  const policy = { ...keyless(), revoked };
  expect(codes(await judge(policy, evidence, [image.digest]))).toEqual(['revoked']);
});

test('a certificate that had ended when the log saw the signature does not count', async () => {
  const hourAgo = new Date(Date.now() - 3_600_000);
  const [late, digest] = [await startSigstore(world.directory.path, hourAgo), `sha256:${'c'.repeat(64)}`];
  try {
    const statement = {
      ...{ _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://sigstore.dev/cosign/sign/v1' },
      ...{ subject: [{ digest: { sha256: 'c'.repeat(64) } }], predicate: {} },
    };
    const verdictOf = async (from: Sigstore) => {
      const payload = await makeBundle(from, { issuer: ISSUER, subject: SUBJECT }, statement);
      const policy = keyless({ trustedRoot: { json: from.trustedRoot } });
      const verified = await judge(policy, [{ scheme: 'bundle', payload, signature: '', beside: {} }], [digest]);
      return [...signers(verified), ...codes(verified)];
    };
    expect(await verdictOf(sigstore)).toEqual(['shop/ci']);
    expect(await verdictOf(late)).toEqual(['expired-certificate']);
  } finally {
    await late.stop();
  }
});

test('attestations are told with who made them and when, and are no signatures', async () => {
  for (const tool of ['cosign', 'cosign3'] as const) {
    const image = await world.build(`attested-${tool}`);
    const by = { sigstore, issuer: ISSUER, subject: SUBJECT };
    const attestation = { predicateType: PREDICATE, predicate: { clean: true } };
    await signAs({ by, reference: image.reference, tool, directory: world.directory.path, attestation });
    expect(await judge(keyless(), await world.find(image), [image.digest])).toMatchObject({
      signatures: [],
      attestations: [
        {
          ...{ predicateType: PREDICATE, predicate: { clean: true }, subjectDigest: image.digest },
          signers: [{ authority: 'shop/ci', kind: 'keyless', signer: `${SUBJECT} (${ISSUER})` }],
          signedAt: expect.any(Number),
        },
      ],
    });
  }
});

test('a trusted root that cannot be used is told, and nobody counts by it', async () => {
  const { image, evidence } = of('cosign3');
  const missing = keyless({ trustedRoot: { file: `${world.directory.path}/nowhere` } });
  expect(codes(await judge(missing, evidence, [image.digest]))).toEqual(['unusable-authority']);
});
