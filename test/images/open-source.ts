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
  } = {},
): Promise<StoredImages> {
  return createImageSource({
    stateDir,
    registries: {
      insecure,
      authFile: options.authFile ?? null,
      patience: { connectMs: 2_000, idleMs: options.idleMs ?? 2_000 },
      retry: { attempts: options.attempts ?? 3, delayMs: 10 },
    },
    trustedKeys: options.trustedKeys ?? [],
    ...(options.platform ? { platform: options.platform } : {}),
  });
}
