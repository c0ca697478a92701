import { createImageSource, type ImageSourceOptions } from '../../agent/images/create-image-source.ts';
import type { StoredImages } from '../../agent/images/stored-images.ts';

/** Opens an image source that gives up fast. */
export function openSource(
  stateDir: string,
  insecure: readonly string[],
  options: {
    readonly trustedKeys?: ImageSourceOptions['trustedKeys'];
    readonly authFile?: string;
    readonly platform?: { readonly os: 'linux'; readonly architecture: string; readonly variant: string | null };
    readonly idleMs?: number;
    readonly attempts?: number;
    readonly registries?: Partial<ImageSourceOptions['registries']>;
    readonly pulling?: ImageSourceOptions['pulling'];
    /** What runs; nothing unless given. */
    readonly inUse?: ImageSourceOptions['inUse'];
  } = {},
): Promise<StoredImages> {
  return createImageSource({
    stateDir,
    registries: {
      insecure,
      authFile: options.authFile ?? null,
      patience: { connectMs: 2_000, idleMs: options.idleMs ?? 2_000 },
      retry: { attempts: options.attempts ?? 3, delayMs: 10 },
      ...options.registries,
    },
    pulling: options.pulling ?? {},
    inUse: options.inUse ?? (async () => ({ kept: new Set(), running: new Map() })),
    trustedKeys: options.trustedKeys ?? [],
    ...(options.platform ? { platform: options.platform } : {}),
  });
}
