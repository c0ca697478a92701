import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What was made outside for the machine, and where it is inside. */
export interface GuestWorld {
  /** `127.0.0.1:port`: image references name it. */
  readonly registryHost: string;
  /** Commits of branch `main`, oldest first; each asks for the same workloads with another image. */
  readonly commits: readonly string[];
  /** For each commit the layer that only its image has, by the digest of its blob. */
  readonly ownLayers: readonly string[];
}

/** Where the world is on the project's disk. */
export const WORLD = join(import.meta.dirname, '../../../.cache/world');

/** @returns the world this machine was given. */
export function readGuestWorld(): GuestWorld {
  return JSON.parse(readFileSync(join(WORLD, 'world.json'), 'utf8'));
}
