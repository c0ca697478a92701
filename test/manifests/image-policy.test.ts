import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { imagePoliciesForNode, parseManifests } from '../../manifests/index.ts';
import { marked } from './marked-text.ts';

const PEM = String(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }));
const KEY = `{ name: release, key: { pem: ${JSON.stringify(PEM)} } }`;
const ROOT = JSON.stringify({
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: 'AAAA' }] } }],
});

const text = (spec: readonly string[], metadata = 'name: shop'): string =>
  [
    ...['apiVersion: holdfast.dev/v1alpha1', 'kind: ImagePolicy', `metadata: { ${metadata} }`, 'spec:'],
    ...spec.map((line) => `  ${line}`),
  ].join('\n');

const read = (manifest: string) => parseManifests([{ path: 'policy.yaml', text: manifest }]);
const EVERY = 'repositories: ["*"]';

describe('an ImagePolicy', () => {
  test('asks for one signer, and leaves it to its authorities to attest, unless it says otherwise', () => {
    const attestation = 'attestations: [{ predicateType: https://slsa.dev/provenance/v1 }]';
    const { resources, problems } = read(text([EVERY, `authorities: [${KEY}]`, attestation]));
    expect(problems).toEqual([]);
    expect(resources.map(({ resource }) => resource)).toEqual([
      {
        ...{ kind: 'ImagePolicy', namespace: 'default', name: 'shop', labels: {}, annotations: {}, nodeSelector: {} },
        ...{ repositories: ['*'], acceptsUnsigned: false, threshold: 1, revoked: [] },
        authorities: [
          { type: 'key', name: 'release', notBefore: null, notAfter: null, key: { type: 'inline', text: PEM } },
        ],
        attestations: [
          {
            ...{ predicateType: 'https://slsa.dev/provenance/v1', authorities: ['release'] },
            ...{ threshold: 1, maxAgeHours: null },
          },
        ],
      },
    ]);
  });

  test('names identities of a trusted root, and attributes of certificates', () => {
    const keyless = `{ trustedRoot: { json: '${ROOT}' }, identities: [{ issuer: i, subjectPattern: "a|b" }], timestamps: 2 }`;
    const notation = '{ certificates: { file: /etc/holdfast/ca.pem }, identities: ["C=DE, O=a\\\\, b"] }';
    const { resources, problems } = read(
      text([EVERY, `authorities: [{ name: ci, keyless: ${keyless} }, { name: ca, notation: ${notation} }]`]),
    );
    expect(problems).toEqual([]);
    const [policy] = resources;
    expect(policy?.resource).toMatchObject({
      authorities: [
        {
          ...{ type: 'keyless', name: 'ci', trustedRoot: { type: 'inline', text: ROOT } },
          ...{ logEntries: 1, certificateLogs: 1, timestamps: 2 },
          identities: [{ issuer: { type: 'exact', text: 'i' }, subject: { type: 'pattern', pattern: 'a|b' } }],
        },
        {
          ...{ type: 'notation', name: 'ca', certificates: { type: 'file', path: '/etc/holdfast/ca.pem' } },
          identities: [{ C: 'DE', O: 'a, b' }],
        },
      ],
    });
  });

  test('holds on the nodes it selects', () => {
    const { resources } = read(text(['nodeSelector: { role: edge }', EVERY, 'acceptUnsigned: true']));
    expect(imagePoliciesForNode(resources, { role: 'edge', zone: 'a' })).toHaveLength(1);
    expect(imagePoliciesForNode(resources, { zone: 'a' })).toEqual([]);
  });

  test.each<[readonly string[], string, RegExp]>([
    [['repositories: [▶nginx]', `authorities: [${KEY}]`], 'spec.repositories[0]', /must be a registry and a path/],
    [['repositories: [▶"r.test/a:1"]', `authorities: [${KEY}]`], 'spec.repositories[0]', /must be a registry/],
    [['repositories: [▶r.test/]', `authorities: [${KEY}]`], 'spec.repositories[0]', /must be a registry/],
    [['▶repositories: []', `authorities: [${KEY}]`], 'spec.repositories', /at least 1/],
    [[EVERY, '▶authorities: []'], 'spec.authorities', /must name who signs/],
    [[EVERY, `authorities: [${KEY}]`, '▶acceptUnsigned: true'], 'spec.acceptUnsigned', /must not be there beside/],
    [[EVERY, `authorities: [${KEY}]`, '▶threshold: 0'], 'spec.threshold', /must be 1 or more, unless/],
    [[EVERY, 'authorities: [▶{ name: a }]'], 'spec.authorities[0]', /exactly one of `key`, `keyless`, `notation`/],
    [[EVERY, 'authorities: [{ name: a, key: { ▶pem: x } }]'], 'spec.authorities[0].key.pem', /one public key in PEM/],
    [[EVERY, 'authorities: [{ name: a, key: { ▶file: x } }]'], 'spec.authorities[0].key.file', /absolute path/],
    [
      [EVERY, `authorities: [{ name: a, ▶notAfter: 2026-01-01, key: { file: /k } }]`],
      'spec.authorities[0].notAfter',
      /must be a time in UTC/,
    ],
    [
      [
        EVERY,
        `authorities: [{ name: a, notBefore: 2027-01-01T00:00:00Z, ▶notAfter: 2026-01-01T00:00:00Z, key: { file: /k } }]`,
      ],
      'spec.authorities[0].notAfter',
      /must be later than `notBefore`/,
    ],
    [
      [
        EVERY,
        `authorities: [{ name: a, keyless: { trustedRoot: { ▶json: "{}" }, identities: [{ issuer: i, subject: s }] } }]`,
      ],
      'spec.authorities[0].keyless.trustedRoot.json',
      /is no sigstore trusted root: mediaType/,
    ],
    [
      [
        EVERY,
        'authorities: [{ name: a, keyless: { trustedRoot: { file: /r }, identities: [{ issuer: i, ▶subjectPattern: "a)|(?:b" }] } }]',
      ],
      'spec.authorities[0].keyless.identities[0].subjectPattern',
      /is not a regular expression/,
    ],
    [
      [
        EVERY,
        'authorities: [{ name: a, ▶keyless: { trustedRoot: { file: /r }, logEntries: 0, identities: [{ issuer: i, subject: s }] } }]',
      ],
      'spec.authorities[0].keyless',
      /must ask for a log entry or a timestamp/,
    ],
    [
      [EVERY, 'authorities: [{ name: a, notation: { certificates: { file: /c }, identities: [▶acme] } }]'],
      'spec.authorities[0].notation.identities[0]',
      /must be attributes of a subject/,
    ],
    [[EVERY, `authorities: [${KEY}]`, 'revoked: [▶abc]'], 'spec.revoked[0]', /must be `sha256:` and 64/],
    [
      [EVERY, `authorities: [${KEY}]`, 'attestations: [{ predicateType: a:b, authorities: [▶relase] }]'],
      'spec.attestations[0].authorities[0]',
      /`relase` is none of the authorities: `release`/,
    ],
    [
      [EVERY, `authorities: [${KEY}, { ▶name: release, key: { file: /k } }]`],
      'spec.authorities[1].name',
      /is there twice/,
    ],
    [[EVERY, `authorities: [${KEY}]`, '▶treshold: 2'], 'spec.treshold', /did you mean `threshold`/],
  ])('cannot say %j', (lines, path, message) => {
    const { text: manifest, line, column } = marked(text(lines));
    expect(read(manifest).problems).toEqual([
      { file: 'policy.yaml', line, column, path, message: expect.stringMatching(message) },
    ]);
  });

  test('has no namespace', () => {
    expect(read(text([EVERY, 'acceptUnsigned: true'], 'name: a, namespace: b')).problems).toMatchObject([
      { path: 'metadata.namespace', message: expect.stringMatching(/holds in every namespace/) },
    ]);
  });
});
