import type { ImageFacts } from '../../policies/index.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

/** Facts of an image of one layer that meets every rule of the default bundle. */
export const SOUND_FACTS: ImageFacts = {
  repository: 'registry.example/app',
  digest: DIGEST,
  topDigest: DIGEST,
  pinnedDigest: DIGEST,
  os: 'linux',
  architecture: 'amd64',
  variant: null,
  user: '1000:1000',
  labels: {},
  envNames: ['PATH'],
  entrypoint: ['/bin/app'],
  cmd: [],
  workingDir: '/',
  exposedPorts: [],
  stopSignal: '',
  hasHealthcheck: false,
  created: '2026-11-01T00:00:00Z',
  createdNs: Date.parse('2026-11-01T00:00:00Z') * 1_000_000,
  compressedBytes: 5_000_000,
  layerCount: 1,
  layers: [{ digest: `sha256:${'b'.repeat(64)}`, diffId: `sha256:${'c'.repeat(64)}`, compressedBytes: 5_000_000 }],
  base: { name: null, digest: null },
  signedBy: ['release'],
  signatures: [
    { authority: 'release', kind: 'key', signer: `sha256:${'d'.repeat(64)}`, subjectDigest: DIGEST, signedAtNs: null },
  ],
  attestations: [],
  rejected: [],
};
