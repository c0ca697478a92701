import type { ImageAdmin, StoredImage } from '../../agent/images/index.ts';
import { SOUND_FACTS } from './image-facts.ts';

/** An image as a store lists it. */
export const sampleImage: StoredImage = {
  digest: `sha256:${'d'.repeat(64)}`,
  references: ['reg.test/app:1'],
  size: 1_572_864,
  isPresent: true,
  isPinned: false,
  resolvedAt: 1_000,
};

/** @returns an image store of one image that answers as it is told and does nothing. */
export function fakeImageAdmin(answers: Partial<ImageAdmin> = {}): ImageAdmin {
  return {
    list: async () => [sampleImage],
    inspect: async () => ({
      ...sampleImage,
      topDigest: `sha256:${'e'.repeat(64)}`,
      platform: 'linux/amd64',
      user: '',
      signedBy: ['release'],
      facts: SOUND_FACTS,
      isInUse: true,
      layers: [{ digest: 'sha256:1', diffId: 'sha256:2', size: 1_024, isPresent: true }],
    }),
    fetch: async () => ({ ...sampleImage, isPinned: true }),
    discard: async () => undefined,
    verify: async () => [],
    prune: async () => [sampleImage],
    pulls: () => [],
    fetchedBytes: () => 0,
    ...answers,
  };
}
