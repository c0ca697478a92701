import { hostPlatform, type Platform } from './documents/platform.ts';
import { createRegistryClient, type RegistryOptions } from './registry/registry-client.ts';
import { readTrustedKey } from './signature/trusted-key.ts';
import { openImageStore } from './store/image-store.ts';
import { createStoredImages, type StoredImages } from './stored-images.ts';

/** How an image source is configured. */
export interface ImageSourceOptions {
  /** The agent's state directory; images go to `images/` in it, which must not be shared with another agent. */
  readonly stateDir: string;
  readonly registries: Pick<RegistryOptions, 'insecure' | 'authFile'> & Partial<RegistryOptions>;
  /** Public keys (PEM) whose signatures count, by the name that policies know them by. */
  readonly trustedKeys: readonly { readonly name: string; readonly keyFile: string }[];
  /** The node's own unless given. */
  readonly platform?: Platform;
}

const DEFAULTS = {
  patience: { connectMs: 10_000, idleMs: 30_000 },
  retry: { attempts: 4, delayMs: 500 },
};

/**
 * Opens the store, clears what a crash left in it and reads the trusted keys. No registry is asked yet.
 * @throws Error naming the key file that is missing or no public key, or the store's file system error.
 */
export async function createImageSource(options: ImageSourceOptions): Promise<StoredImages> {
  return createStoredImages({
    client: createRegistryClient({ ...DEFAULTS, ...options.registries }),
    store: await openImageStore(options.stateDir),
    platform: options.platform ?? hostPlatform(),
    trustedKeys: await Promise.all(options.trustedKeys.map(readTrustedKey)),
  });
}
