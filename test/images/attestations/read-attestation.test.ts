import { describe, expect, test } from '@jest/globals';
import { MOST } from '../../../agent/images/attestations/bounds.ts';
import { readAttestation } from '../../../agent/images/attestations/read-attestation.ts';
import type { AttestationContent } from '../../../policies/index.ts';
import {
  CYCLONEDX,
  DIGEST,
  GRYPE_REPORT,
  OPENVEX,
  SLSA_V1,
  SLSA_V02,
  SPDX,
  TRIVY_REPORT,
  vulnerabilityPredicate,
} from './predicates.ts';

const TYPES = {
  slsa02: 'https://slsa.dev/provenance/v0.2',
  slsa1: 'https://slsa.dev/provenance/v1',
  spdx: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  vulnerabilities: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  vex: 'https://openvex.dev/ns',
};
const read = (type: string, predicate: unknown): AttestationContent => readAttestation(type, predicate, [DIGEST]);
const ns = (time: string): number => Date.parse(time) * 1_000_000;

describe('provenance', () => {
  test('v0.2 tells builder, source and materials', () => {
    expect(read(TYPES.slsa02, SLSA_V02)).toEqual({
      kind: 'provenance',
      provenance: {
        format: 'slsa-v0.2',
        builderId: SLSA_V02.builder.id,
        buildType: SLSA_V02.buildType,
        source: { repository: 'https://github.com/acme/shop', ref: 'refs/tags/v1.2.0', commit: 'c'.repeat(40) },
        materials: SLSA_V02.materials,
        isTruncated: false,
        finishedNs: ns('2026-11-01T10:05:00Z'),
      },
    });
  });

  test('v1 tells them too, the source by its workflow', () => {
    expect(read(TYPES.slsa1, SLSA_V1)).toEqual({
      kind: 'provenance',
      provenance: {
        format: 'slsa-v1',
        builderId: SLSA_V1.runDetails.builder.id,
        buildType: SLSA_V1.buildDefinition.buildType,
        source: { repository: 'https://github.com/acme/shop', ref: 'refs/heads/main', commit: 'c'.repeat(40) },
        materials: SLSA_V1.buildDefinition.resolvedDependencies,
        isTruncated: false,
        finishedNs: ns('2026-11-01T10:05:00Z'),
      },
    });
  });

  test.each([
    ['git+https://host/a.git@main', {}, { repository: 'https://host/a', ref: 'main', commit: null }],
    [
      'git+ssh://git@host/a',
      { sha1: 'd'.repeat(40) },
      { repository: 'ssh://git@host/a', ref: null, commit: 'd'.repeat(40) },
    ],
    [
      'https://host/a.git',
      { gitCommit: 'e'.repeat(40) },
      { repository: 'https://host/a', ref: null, commit: 'e'.repeat(40) },
    ],
    [
      `git+https://host/a@${'f'.repeat(40)}#sub`,
      {},
      { repository: 'https://host/a', ref: 'f'.repeat(40), commit: 'f'.repeat(40) },
    ],
    ['https://host/a.tar.gz', { sha1: 'd'.repeat(40) }, null],
    ['pkg:docker/debian@12', {}, null],
  ])('of a build of %s has that source', (uri, digest, source) => {
    const predicate = { ...SLSA_V02, invocation: {}, materials: [{ uri, digest }] };
    expect(read(TYPES.slsa02, predicate)).toMatchObject({ provenance: { source } });
  });
});

describe('an SBOM', () => {
  test('of SPDX tells packages, each with its licences one by one', () => {
    expect(read(TYPES.spdx, SPDX)).toEqual({
      kind: 'sbom',
      sbom: {
        format: 'spdx-2.3',
        createdNs: ns('2026-11-02T00:00:00Z'),
        packages: [
          { name: 'adduser', group: '', version: '', purl: '', licenses: [], licenseIds: [] },
          {
            name: 'zlib1g',
            group: '',
            version: '1:1.2.13.dfsg-1',
            purl: 'pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64',
            licenses: ['Zlib AND (GPL-2.0-only OR MIT)'],
            licenseIds: ['GPL-2.0-only', 'MIT', 'Zlib'],
          },
        ],
        packageCount: 2,
        isTruncated: false,
      },
    });
  });

  test('of CycloneDX tells components, inner ones too and files not', () => {
    const content = read(TYPES.cyclonedx, CYCLONEDX);
    expect(content).toMatchObject({ kind: 'sbom', sbom: { format: 'cyclonedx-1.6', packageCount: 3 } });
    expect(
      content.kind === 'sbom' && content.sbom.packages.map(({ name, group, licenseIds }) => [name, group, licenseIds]),
    ).toEqual([
      ['debian', '', ['Many, see /usr/share/doc']],
      ['inner', '', ['GPL-3.0-only', 'MIT']],
      ['log4j-core', 'org.apache.logging.log4j', ['Apache-2.0']],
    ]);
  });

  test('that an older cosign wrapped is read too', () => {
    expect(read(TYPES.spdx, { Data: SPDX, Timestamp: '' })).toEqual(read(TYPES.spdx, SPDX));
    expect(read(TYPES.cyclonedx, { Data: CYCLONEDX })).toEqual(read(TYPES.cyclonedx, CYCLONEDX));
  });

  test('larger than policies can look at tells its size, and that it lacks some', () => {
    const packages = Array.from({ length: MOST.packages + 7 }, (_, index) => ({ name: `p${index}` }));
    const content = read(TYPES.spdx, { ...SPDX, packages: [...packages, ...packages] });
    expect(content).toMatchObject({ sbom: { packageCount: MOST.packages + 7, isTruncated: true } });
    expect(content.kind === 'sbom' && content.sbom.packages.length).toBe(MOST.packages);
  });
});

describe('a vulnerability report', () => {
  test('of Trivy tells findings, worst first, and what can be fixed', () => {
    const none = { critical: 0, high: 0, medium: 0, low: 0, negligible: 0, unknown: 0 };
    expect(read(TYPES.vulnerabilities, vulnerabilityPredicate(TRIVY_REPORT))).toEqual({
      kind: 'vulnerabilities',
      report: {
        format: 'trivy',
        scanner: { uri: 'pkg:github/aquasecurity/trivy@0.60.0', version: '0.60.0' },
        scannedNs: ns('2026-11-20T10:00:01Z'),
        databaseNs: ns('2026-11-20T06:00:00Z'),
        counts: { ...none, critical: 1, low: 1, unknown: 1 },
        fixable: { ...none, critical: 1 },
        findings: [
          {
            id: 'CVE-2023-45853',
            aliases: ['DSA-0000-1'],
            severity: 'critical',
            package: 'zlib1g',
            version: '1:1.2.13.dfsg-1',
            purl: 'pkg:deb/debian/zlib1g@1.2.13?arch=amd64',
            isFixable: true,
            fixedIn: ['1:1.2.14-1', '1:1.3-1'],
          },
          expect.objectContaining({ id: 'CVE-2011-3374', severity: 'low', isFixable: false, fixedIn: [] }),
          expect.objectContaining({ id: 'GHSA-1', severity: 'unknown' }),
        ],
        isTruncated: false,
      },
    });
  });

  test('of Grype tells what a finding is also called', () => {
    expect(read(TYPES.vulnerabilities, vulnerabilityPredicate(GRYPE_REPORT))).toMatchObject({
      report: {
        format: 'grype',
        counts: { critical: 1, negligible: 1 },
        findings: [
          { id: 'GHSA-jfh8-c2jp-5v3q', aliases: ['CVE-2021-44228'], isFixable: true, fixedIn: ['2.15.0'] },
          { id: 'CVE-2005-2541', isFixable: false },
        ],
      },
    });
  });

  test.each([
    ['Trivy', { SchemaVersion: 2 }],
    ['Trivy', { ...TRIVY_REPORT, Results: null }],
    ['Grype', { matches: [] }],
  ])('of %s that found nothing has no findings', (_scanner, result) => {
    expect(read(TYPES.vulnerabilities, vulnerabilityPredicate(result))).toMatchObject({
      report: { findings: [], isTruncated: false, counts: { critical: 0 } },
    });
  });

  test('with more findings than are kept counts them all and keeps the worst', () => {
    const found = Array.from({ length: MOST.findings + 5 }, (_, index) => ({
      ...{ VulnerabilityID: `CVE-${index}`, PkgName: 'p', Severity: index === MOST.findings ? 'HIGH' : 'LOW' },
    }));
    const content = read(
      TYPES.vulnerabilities,
      vulnerabilityPredicate({ SchemaVersion: 2, Results: [{ Vulnerabilities: found }] }),
    );
    expect(content).toMatchObject({ report: { counts: { high: 1, low: MOST.findings + 4 }, isTruncated: true } });
    const findings = content.kind === 'vulnerabilities' ? content.report.findings : [];
    expect([findings.length, findings[0]?.severity]).toEqual([MOST.findings, 'high']);
  });

  test.each([
    [undefined],
    [null],
    [{}],
    [[]],
    ['{}'],
    [{ Results: [] }],
    [{ SchemaVersion: 1, Results: [] }],
    [{ runs: [] }],
  ])('with the result %j is invalid: an unknown scanner has not found nothing', (result) => {
    expect(read(TYPES.vulnerabilities, vulnerabilityPredicate(result))).toMatchObject({
      kind: 'invalid',
      expected: 'vulnerabilities',
    });
  });
});

describe('an OpenVEX document', () => {
  test('tells its statements, and which of them are about this image', () => {
    expect(read(TYPES.vex, OPENVEX)).toEqual({
      kind: 'vex',
      vex: {
        author: 'security@acme.example',
        updatedNs: ns('2026-11-21T00:00:00Z'),
        statements: [
          {
            id: 'CVE-2023-45853',
            aliases: ['DSA-0'],
            status: 'not_affected',
            justification: 'vulnerable_code_not_in_execute_path',
            products: [OPENVEX.statements[0]?.products?.[0]?.['@id' as never]],
            components: ['pkg:deb/debian/zlib1g@1.2.13?arch=amd64'],
            isOfImage: true,
            statedNs: ns('2026-11-21T00:00:00Z'),
          },
          expect.objectContaining({ id: 'CVE-2011-3374', status: 'under_investigation', isOfImage: true }),
          expect.objectContaining({ id: 'CVE-2020-1', status: 'fixed', isOfImage: false }),
        ],
        isTruncated: false,
      },
    });
  });

  test.each([
    [[], true],
    [[{ '@id': 'app', hashes: { 'sha-256': 'A'.repeat(64) } }], true],
    [[{ '@id': 'app', identifiers: { purl: `pkg:oci/app@${DIGEST}` } }], true],
    [[{ '@id': 'app' }, `registry.example/app@${DIGEST}`], true],
    [['pkg:oci/app'], false],
    [['registry.example/app:1'], false],
    [[`pkg:oci/app@sha256:${'a'.repeat(63)}`], false],
    [[`pkg:oci/app@sha256:${'a'.repeat(65)}`], false],
    [[{ '@id': 'app', hashes: { 'sha-512': 'a'.repeat(64) } }], false],
  ])('about %j is about this image: %s', (products, isOfImage) => {
    const statements = [{ vulnerability: 'CVE-1', status: 'fixed', products }];
    expect(read(TYPES.vex, { ...OPENVEX, statements })).toMatchObject({ vex: { statements: [{ isOfImage }] } });
  });
});

test.each([
  ['https://example.com/scan/v1'],
  ['https://slsa.dev/provenance/v0.1'],
  ['https://slsa.dev/provenance/v1/evil'],
  ['https://in-toto.io/Statement/v1'],
  [''],
  ['__proto__'],
])('a predicate of type %j is not looked into', (type) => {
  expect(read(type, SPDX)).toEqual({ kind: 'other' });
});

test.each([
  ['https://slsa.dev/provenance/v1.1', SLSA_V1, 'provenance'],
  ['https://spdx.dev/Document/v2.3', SPDX, 'sbom'],
  ['https://cyclonedx.org/bom/v1.6', CYCLONEDX, 'sbom'],
  ['https://openvex.dev/ns/v0.2.0', OPENVEX, 'vex'],
])('the version in %s makes no difference', (type, predicate, kind) => {
  expect(read(type, predicate)).toMatchObject({ kind });
});

const deep = (depth: number): unknown =>
  Array.from({ length: depth }).reduce((inner) => ({ type: 'library', name: 'c', components: [inner] }), {
    type: 'library',
    name: 'last',
  });
const many = <T>(count: number, one: T): readonly T[] => Array.from({ length: count }, () => one);

test.each<readonly [string, string, unknown, string]>([
  ['no builder', TYPES.slsa02, { ...SLSA_V02, builder: {} }, 'builder.id'],
  ['an empty builder', TYPES.slsa1, { ...SLSA_V1, runDetails: { builder: { id: '' } } }, 'runDetails.builder.id'],
  ['materials that are no list', TYPES.slsa02, { ...SLSA_V02, materials: 'm' }, 'materials'],
  [
    'a digest that is no text',
    TYPES.slsa02,
    { ...SLSA_V02, materials: [{ uri: 'u', digest: { sha1: 1 } }] },
    '0.digest.sha1',
  ],
  ['many digests', TYPES.slsa02, { ...SLSA_V02, materials: [{ digest: { ...many(17, 'a') } }] }, '0.digest'],
  ['tag-value SPDX', TYPES.spdx, 'SPDXVersion: SPDX-2.3\n', 'document'],
  ['SPDX 3', TYPES.spdx, { ...SPDX, spdxVersion: 'SPDX-3.0' }, 'spdxVersion'],
  ['a package without a name', TYPES.spdx, { ...SPDX, packages: [{ versionInfo: '1' }] }, '0.name'],
  ['too many packages', TYPES.spdx, { ...SPDX, packages: many(MOST.entries + 1, { name: 'p' }) }, 'packages'],
  ['a long name', TYPES.spdx, { ...SPDX, packages: [{ name: 'p'.repeat(2_000) }] }, '0.name'],
  ['a time that is none', TYPES.spdx, { ...SPDX, creationInfo: { created: 'yesterday' } }, 'creationInfo.created'],
  ['CycloneDX 1.3', TYPES.cyclonedx, { ...CYCLONEDX, specVersion: '1.3' }, 'specVersion'],
  ['another BOM', TYPES.cyclonedx, { ...CYCLONEDX, bomFormat: 'Other' }, 'bomFormat'],
  ['deep components', TYPES.cyclonedx, { ...CYCLONEDX, components: [deep(MOST.depth)] }, 'components: nested'],
  ['very deep components', TYPES.cyclonedx, { ...CYCLONEDX, components: [deep(20_000)] }, 'components: nested'],
  [
    'many components within components',
    TYPES.cyclonedx,
    {
      ...CYCLONEDX,
      components: many(2, {
        type: 'library',
        name: 'c',
        components: many(MOST.entries / 2, { type: 'file', name: 'f' }),
      }),
    },
    'components: more than',
  ],
  ['no scanner', TYPES.vulnerabilities, {}, 'scanner'],
  [
    'a finding without an id',
    TYPES.vulnerabilities,
    vulnerabilityPredicate({ matches: [{ vulnerability: {}, artifact: { name: 'a' } }] }),
    '0.vulnerability.id',
  ],
  [
    'a severity that is no text',
    TYPES.vulnerabilities,
    vulnerabilityPredicate({
      SchemaVersion: 2,
      Results: [{ Vulnerabilities: [{ VulnerabilityID: 'CVE-1', PkgName: 'p', Severity: 9 }] }],
    }),
    '0.Severity',
  ],
  ['another context', TYPES.vex, { ...OPENVEX, '@context': 'https://example.com' }, '@context'],
  [
    'an unknown status',
    TYPES.vex,
    { ...OPENVEX, statements: [{ vulnerability: 'CVE-1', status: 'fine' }] },
    '0.status',
  ],
  [
    'a vulnerability without a name',
    TYPES.vex,
    { ...OPENVEX, statements: [{ vulnerability: { '@id': 'x' }, status: 'fixed' }] },
    '0.vulnerability',
  ],
  ['a predicate that is null', TYPES.vex, null, 'document'],
])('%s makes the whole document invalid and says where', (_what, type, predicate, where) => {
  const content = read(type, predicate);
  expect(content.kind).toBe('invalid');
  expect(content.kind === 'invalid' && content.reason).toContain(where);
});
