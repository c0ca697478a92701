import { hostPlatform, type Platform } from './documents/platform.ts';
import type { ImagesInUse } from './image-admin.ts';
import type { PullOptions } from './pull-layers.ts';
import { readTlsFiles } from './registry/host-settings.ts';
import { createRegistryClient, type RegistryOptions } from './registry/registry-client.ts';
import { readTrustedKey } from './signature/trusted-key.ts';
import { openImageStore } from './store/image-store.ts';
import { createStoredImages, type StoredImages } from './stored-images.ts';

/** How an image source is configured. */
export interface ImageSourceOptions {
  /** The agent's state directory; images go to `images/` in it, which must not be shared with another agent. */
  readonly stateDir: string;
  readonly registries: Pick<RegistryOptions, 'insecure' | 'authFile'> & Partial<RegistryOptions>;
  readonly pulling?: Partial<PullOptions>;
  /** What must never be removed. Unless given, nothing is known, and nothing is removed. */
  readonly inUse?: ImagesInUse;
  /** Public keys (PEM) whose signatures count, by the name that policies know them by. */
  readonly trustedKeys: readonly { readonly name: string; readonly keyFile: string }[];
  /** The node's own unless given. */
  readonly platform?: Platform;
}

const DEFAULTS = {
  patience: { connectMs: 10_000, idleMs: 30_000 },
  retry: { attempts: 4, delayMs: 500 },
  hosts: [],
  environment: process.env,
};

const PULLING: PullOptions = {
  parallelLayers: 3,
  bytesPerSecond: null,
  window: null,
  reserveBytes: 64 * 1024 ** 2,
};

/**
 * Opens the store, clears what a crash left in it and reads the trusted keys. No registry is asked yet.
 * @throws Error naming the key file that is missing or no public key, or the store's file system error.
 */
export async function createImageSource(options: ImageSourceOptions): Promise<StoredImages> {
  const registries = { ...DEFAULTS, ...options.registries };
  return createStoredImages({
    client: createRegistryClient({ tls: await readTlsFiles(registries.hosts), ...registries }),
    store: await openImageStore(options.stateDir),
    platform: options.platform ?? hostPlatform(),
    inUse: options.inUse ?? (async () => null),
    pulling: { ...PULLING, ...options.pulling },
    trustedKeys: await Promise.all(options.trustedKeys.map(readTrustedKey)),
  });
}
