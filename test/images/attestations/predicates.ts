/** Predicates as the programs write them, fields that are not read included. */

export const DIGEST = `sha256:${'a'.repeat(64)}`;
const COMMIT = 'c'.repeat(40);

/** What GitHub's builder of container images says. */
export const SLSA_V02 = {
  builder: {
    id: 'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/container.yml@refs/tags/v2.0.0',
  },
  buildType: 'https://github.com/slsa-framework/slsa-github-generator/container@v1',
  invocation: {
    configSource: {
      uri: 'git+https://github.com/acme/shop@refs/tags/v1.2.0',
      digest: { sha1: COMMIT },
      entryPoint: '.github/workflows/release.yaml',
    },
    parameters: {},
    environment: { github_actor: 'octocat', github_run_number: '12' },
  },
  metadata: {
    buildInvocationID: '55-1',
    buildStartedOn: '2026-11-01T10:00:00Z',
    buildFinishedOn: '2026-11-01T10:05:00Z',
    completeness: { parameters: true, environment: false, materials: false },
    reproducible: false,
  },
  materials: [
    { uri: 'git+https://github.com/acme/shop@refs/tags/v1.2.0', digest: { sha1: COMMIT } },
    { uri: 'pkg:docker/debian@12', digest: { sha256: 'b'.repeat(64) } },
  ],
};

/** What `actions/attest-build-provenance` says. */
export const SLSA_V1 = {
  buildDefinition: {
    buildType: 'https://actions.github.io/buildtypes/workflow/v1',
    externalParameters: {
      workflow: {
        ref: 'refs/heads/main',
        repository: 'https://github.com/acme/shop',
        path: '.github/workflows/ci.yml',
      },
    },
    internalParameters: { github: { event_name: 'push', runner_environment: 'github-hosted' } },
    resolvedDependencies: [{ uri: 'git+https://github.com/acme/shop@refs/heads/main', digest: { gitCommit: COMMIT } }],
  },
  runDetails: {
    builder: { id: 'https://github.com/acme/shop/.github/workflows/ci.yml@refs/heads/main' },
    metadata: {
      invocationId: 'https://github.com/acme/shop/actions/runs/1/attempts/1',
      finishedOn: '2026-11-01T10:05:00Z',
    },
  },
};

export const SPDX = {
  spdxVersion: 'SPDX-2.3',
  dataLicense: 'CC0-1.0',
  SPDXID: 'SPDXRef-DOCUMENT',
  name: 'registry.example/app',
  documentNamespace: 'https://anchore.com/syft/image/app-1',
  creationInfo: { licenseListVersion: '3.25', creators: ['Tool: syft-1.20.0'], created: '2026-11-02T00:00:00Z' },
  packages: [
    {
      name: 'zlib1g',
      SPDXID: 'SPDXRef-Package-deb-zlib1g',
      versionInfo: '1:1.2.13.dfsg-1',
      supplier: 'Person: Mark Brown',
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      licenseConcluded: 'NOASSERTION',
      licenseDeclared: 'Zlib AND (GPL-2.0-only OR MIT)',
      externalRefs: [
        {
          referenceCategory: 'SECURITY',
          referenceType: 'cpe23Type',
          referenceLocator: 'cpe:2.3:a:zlib1g:zlib1g:1.2.13',
        },
        {
          referenceCategory: 'PACKAGE-MANAGER',
          referenceType: 'purl',
          referenceLocator: 'pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64',
        },
      ],
    },
    {
      name: 'adduser',
      SPDXID: 'SPDXRef-2',
      downloadLocation: 'NONE',
      licenseConcluded: 'NONE',
      licenseDeclared: 'NOASSERTION',
    },
  ],
  relationships: [
    { spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: 'SPDXRef-2', relationshipType: 'DESCRIBES' },
  ],
};

export const CYCLONEDX = {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  serialNumber: 'urn:uuid:00000000-0000-0000-0000-000000000000',
  version: 1,
  metadata: { timestamp: '2026-11-02T00:00:00+00:00', component: { type: 'container', name: 'registry.example/app' } },
  components: [
    {
      'bom-ref': 'a',
      type: 'library',
      group: 'org.apache.logging.log4j',
      name: 'log4j-core',
      version: '2.14.1',
      purl: 'pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1',
      licenses: [{ license: { id: 'Apache-2.0' } }],
      components: [{ type: 'library', name: 'inner', licenses: [{ expression: 'MIT OR GPL-3.0-only' }] }],
    },
    {
      type: 'operating-system',
      name: 'debian',
      version: '12',
      licenses: [{ license: { name: 'Many, see /usr/share/doc' } }],
    },
    { type: 'file', name: '/etc/passwd' },
  ],
};

/** Of `trivy image --format json`. */
export const TRIVY_REPORT = {
  SchemaVersion: 2,
  CreatedAt: '2026-11-20T10:00:00.123456789Z',
  ArtifactName: 'registry.example/app',
  ArtifactType: 'container_image',
  Metadata: { OS: { Family: 'debian', Name: '12.5' }, ImageID: DIGEST },
  Results: [
    {
      Target: 'registry.example/app (debian 12.5)',
      Class: 'os-pkgs',
      Type: 'debian',
      Vulnerabilities: [
        {
          VulnerabilityID: 'CVE-2011-3374',
          PkgID: 'apt@2.6.1',
          PkgName: 'apt',
          PkgIdentifier: { PURL: 'pkg:deb/debian/apt@2.6.1?arch=amd64', UID: '1' },
          InstalledVersion: '2.6.1',
          Status: 'affected',
          Severity: 'LOW',
        },
        {
          VulnerabilityID: 'CVE-2023-45853',
          VendorIDs: ['DSA-0000-1'],
          PkgName: 'zlib1g',
          PkgIdentifier: { PURL: 'pkg:deb/debian/zlib1g@1.2.13?arch=amd64' },
          InstalledVersion: '1:1.2.13.dfsg-1',
          FixedVersion: '1:1.2.14-1, 1:1.3-1',
          Status: 'fixed',
          Severity: 'CRITICAL',
          CVSS: { nvd: { V3Score: 9.8 } },
        },
      ],
    },
    { Target: 'Node.js', Class: 'lang-pkgs', Type: 'node-pkg' },
    {
      Target: 'Java',
      Class: 'lang-pkgs',
      Type: 'jar',
      Vulnerabilities: [{ VulnerabilityID: 'GHSA-1', PkgName: 'a', InstalledVersion: '1', Severity: 'SEVERE' }],
    },
  ],
};

/** Of `grype --output json`. */
export const GRYPE_REPORT = {
  matches: [
    {
      vulnerability: {
        id: 'GHSA-jfh8-c2jp-5v3q',
        dataSource: 'https://github.com/advisories/GHSA-jfh8-c2jp-5v3q',
        severity: 'Critical',
        fix: { versions: ['2.15.0'], state: 'fixed' },
      },
      relatedVulnerabilities: [{ id: 'CVE-2021-44228', severity: 'Critical' }, { id: 'CVE-2021-44228' }],
      matchDetails: [{ type: 'exact-direct-match' }],
      artifact: { name: 'log4j-core', version: '2.14.1', type: 'java-archive', purl: 'pkg:maven/log4j-core@2.14.1' },
    },
    {
      vulnerability: { id: 'CVE-2005-2541', severity: 'Negligible', fix: { versions: [], state: 'wont-fix' } },
      relatedVulnerabilities: [],
      artifact: { name: 'tar', version: '1.34', purl: '' },
    },
  ],
  source: { type: 'image', target: { userInput: 'registry.example/app' } },
  distro: { name: 'debian', version: '12' },
  descriptor: { name: 'grype', version: '0.90.0', timestamp: '2026-11-20T10:00:00Z' },
};

/** cosign's predicate around what a scanner found. */
export function vulnerabilityPredicate<T>(result: T, scanFinishedOn = '2026-11-20T10:00:01Z') {
  return {
    invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
    scanner: {
      uri: 'pkg:github/aquasecurity/trivy@0.60.0',
      version: '0.60.0',
      db: { uri: '', version: '2', lastUpdate: '2026-11-20T06:00:00Z' },
      result,
    },
    metadata: { scanStartedOn: '2026-11-20T10:00:00Z', scanFinishedOn },
  };
}

/** Of `vexctl create`. */
export const OPENVEX = {
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://openvex.dev/docs/public/vex-1',
  author: 'security@acme.example',
  timestamp: '2026-11-21T00:00:00Z',
  version: 1,
  statements: [
    {
      vulnerability: {
        '@id': 'https://nvd.nist.gov/vuln/detail/CVE-2023-45853',
        name: 'CVE-2023-45853',
        aliases: ['DSA-0'],
      },
      timestamp: '2026-11-21T00:00:00Z',
      products: [
        {
          '@id': `pkg:oci/app@sha256%3A${'a'.repeat(64)}?repository_url=registry.example`,
          subcomponents: [{ '@id': 'pkg:deb/debian/zlib1g@1.2.13?arch=amd64' }],
        },
      ],
      status: 'not_affected',
      justification: 'vulnerable_code_not_in_execute_path',
    },
    { vulnerability: 'CVE-2011-3374', status: 'under_investigation' },
    { vulnerability: 'CVE-2020-1', products: [`pkg:oci/other@sha256:${'b'.repeat(64)}`], status: 'fixed' },
  ],
};
