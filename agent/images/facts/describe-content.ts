import type { ImageFacts } from '../../../policies/index.ts';
import { instantNs } from '../attestations/instant.ts';
import type { ImageChain } from '../image-chain.ts';

/** What is known of an image whoever vouches for it. */
export type ContentFacts = Omit<ImageFacts, 'signedBy' | 'signatures' | 'attestations' | 'rejected'>;

/**
 * Describes an image by its manifest and config, in the words of policies.
 * @param repository `registry/path` in full.
 * @param pinnedDigest that its reference names.
 */
export function describeContent(chain: ImageChain, repository: string, pinnedDigest: string | null): ContentFacts {
  const { config, digest, topDigest, annotations } = chain;
  const { runtime, labels, os, architecture, variant, exposedPorts, hasHealthcheck } = config;
  const createdNs = instantNs(config.created ?? '');
  const layers = chain.layers.map(({ descriptor, diffId }) => ({
    digest: descriptor.digest,
    diffId,
    compressedBytes: descriptor.size,
  }));
  const said = (name: string): string | null => annotations[name] ?? labels[name] ?? null;
  return {
    ...{ repository, digest, topDigest, pinnedDigest, os, architecture, variant, labels },
    user: runtime.user,
    envNames: [...new Set(runtime.env.map((variable) => variable.replace(/=.*$/s, '')))].sort(),
    entrypoint: runtime.entrypoint,
    cmd: runtime.cmd,
    workingDir: runtime.workingDir,
    exposedPorts,
    stopSignal: runtime.stopSignal,
    hasHealthcheck,
    created: createdNs === null ? null : config.created,
    createdNs,
    compressedBytes: layers.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0),
    layerCount: layers.length,
    layers,
    base: { name: said('org.opencontainers.image.base.name'), digest: said('org.opencontainers.image.base.digest') },
  };
}
