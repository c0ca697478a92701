import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeContent } from '../../agent/images/facts/describe-content.ts';
import { describeEvidence } from '../../agent/images/facts/describe-evidence.ts';
import type { ImageChain } from '../../agent/images/image-chain.ts';
import { buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { DIGEST, SPDX, TRIVY_REPORT, vulnerabilityPredicate } from './attestations/predicates.ts';
import { openSource } from './open-source.ts';

let registry: Registry;
let directory: TempDir;
beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
});
afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

test('what an image says of itself is known, before and after a restart without its registry', async () => {
  const away = await startRegistry();
  const image = await buildImage({
    ...{ registry: away.host, name: 'team/shop', tag: '1', layers: [[{ name: 'a' }], [{ name: 'b' }]] },
    config: {
      User: '1000',
      Env: ['PATH=/bin', 'TOKEN=secret=1', 'EMPTY', 'PATH=/again'],
      Entrypoint: ['/shop'],
      Cmd: ['--serve'],
      WorkingDir: '/srv',
      StopSignal: 'SIGINT',
      ExposedPorts: { '8080/tcp': {}, '53/udp': {} },
      Healthcheck: { Test: ['CMD', '/check'] },
      Labels: { team: 'edge', 'org.opencontainers.image.base.name': 'docker.io/library/debian:12' },
    },
  });
  const stateDir = join(directory.path, 'state');
  const online = await openSource(stateDir, [away.host]);
  const { facts } = await online.resolve(image.tagReference);
  expect(facts).toMatchObject({
    ...{ repository: `${away.host}/team/shop`, digest: image.digest, topDigest: image.digest, pinnedDigest: null },
    ...{ os: 'linux', variant: null, user: '1000', entrypoint: ['/shop'], cmd: ['--serve'], workingDir: '/srv' },
    ...{ envNames: ['EMPTY', 'PATH', 'TOKEN'], exposedPorts: ['53/udp', '8080/tcp'], stopSignal: 'SIGINT' },
    ...{ hasHealthcheck: true, layerCount: 2, signedBy: [], signatures: [], attestations: [], rejected: [] },
    base: { name: 'docker.io/library/debian:12', digest: null },
  });
  expect(JSON.stringify(facts)).not.toContain('secret');
  expect(facts.layers.map(({ digest }) => digest)).toEqual(image.layerDigests);
  expect(facts.compressedBytes).toBe(facts.layers.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0));
  await away.stop();
  const offline = await openSource(stateDir, [away.host], { attempts: 1 });
  expect((await offline.resolve(image.tagReference)).facts).toEqual(facts);
});

describe('the time at which an image says it was made', () => {
  test.each([
    ['2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z', Date.parse('2026-11-01T00:00:00Z') * 1e6],
    ['2026-11-01T02:00:00.123456789+02:00', '2026-11-01T02:00:00.123456789+02:00', 1_793_491_200_123_000_000],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z', 0],
    ['0001-01-01T00:00:00Z', null, null],
    ['2026-13-01T00:00:00Z', null, null],
    ['yesterday', null, null],
    ['', null, null],
    [null, null, null],
  ])('%j is %j', (created, said, ns) => {
    expect(describeContent(chainOf({ created }), 'r/a', null)).toMatchObject({ created: said, createdNs: ns });
  });

  test('and what it is made from come from the manifest before the labels', () => {
    const name = 'org.opencontainers.image.base.name';
    const chain = { ...chainOf({ labels: { [name]: 'label', 'org.opencontainers.image.base.digest': 'd' } }) };
    expect(describeContent({ ...chain, annotations: { [name]: 'manifest' } }, 'r/a', null).base).toEqual({
      name: 'manifest',
      digest: 'd',
    });
  });
});

describe('of attestations', () => {
  const signer = { authority: 'release', kind: 'key', signer: 'sha256:1' } as const;
  const attested = { signers: [signer], subjectDigest: DIGEST };

  test('what is in them is told beside who signed, and of what was refused only why', () => {
    const evidence = {
      signatures: [{ ...signer, subjectDigest: DIGEST, signedAt: 1_000 }],
      attestations: [
        { ...attested, predicateType: 'https://spdx.dev/Document', predicate: SPDX, signedAt: 2_000 },
        { ...attested, predicateType: 'https://spdx.dev/Document', predicate: 'SPDX', signedAt: null },
        { ...attested, predicateType: 'https://example.com/x', predicate: { secret: 1 }, signedAt: null },
      ],
      rejected: [{ code: 'other-image', detail: 'it is of another' }],
    } as const;
    expect(describeEvidence(evidence, [DIGEST])).toEqual({
      signatures: [{ ...signer, subjectDigest: DIGEST, signedAtNs: 1_000_000_000 }],
      attestations: [
        expect.objectContaining({ kind: 'sbom', signers: [signer], signedAtNs: 2_000_000_000 }),
        expect.objectContaining({ kind: 'invalid', expected: 'sbom', signers: [signer] }),
        { ...attested, kind: 'other', predicateType: 'https://example.com/x', signedAtNs: null },
      ],
      rejected: [{ code: 'other-image', detail: 'it is of another' }],
    });
  });

  test('only the newest reports keep their lists, all their counts', () => {
    const times = ['2026-11-03', '2026-11-01', '2026-11-05', '2026-11-02', '2026-11-04', '2026-11-06'];
    const attestations = times.map((day) => ({
      ...{ ...attested, predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1', signedAt: null },
      predicate: vulnerabilityPredicate(TRIVY_REPORT, `${day}T00:00:00Z`),
    }));
    const { attestations: told } = describeEvidence({ signatures: [], attestations, rejected: [] }, [DIGEST]);
    const reports = told.flatMap((one) => (one.kind === 'vulnerabilities' ? [one.report] : []));
    expect(reports.map(({ findings, isTruncated }) => [findings.length, isTruncated])).toEqual(
      times.map((day) => (day > '2026-11-04' ? [3, false] : [0, true])),
    );
    expect(reports.every(({ counts }) => counts.critical === 1)).toBe(true);
  });
});

function chainOf({
  created = null,
  labels = {},
}: {
  created?: string | null;
  labels?: Record<string, string>;
}): ImageChain {
  return {
    ...{ topDigest: DIGEST, digest: DIGEST, annotations: {}, layers: [], documents: [] },
    config: {
      ...{ os: 'linux', architecture: 'amd64', variant: null, diffIds: [], labels, created },
      ...{ exposedPorts: [], hasHealthcheck: false },
      runtime: { entrypoint: [], cmd: [], env: [], workingDir: '', user: '', stopSignal: '' },
    },
  };
}
