import { join } from 'node:path';
import { startRegistry } from '../../world/registry.ts';
import { faultyRegistryProxy } from '../../world/registry-proxy.ts';
import { readGuestWorld, WORLD } from './guest-world.ts';

/** Less than a layer of a world's image has, and more than the node reads at once. */
const FIRST_PART_BYTES = 100_000;

/** The registry with the world's images; it ends with the machine. */
export interface WorldRegistry {
  /** From now on only a first part of a layer is sent, and the line stays open: whoever pulls it is in the middle of that. */
  holdBack(layer: string): void;
}

/** Starts the registry where image references say that it is. */
export async function startWorldRegistry(): Promise<WorldRegistry> {
  const port = Number(readGuestWorld().registryHost.split(':')[1]);
  const registry = await startRegistry({ data: join(WORLD, 'registry') });
  let heldBack: string | null = null;
  const isHeldBack = (url: string): boolean => heldBack !== null && url.endsWith(`/blobs/${heldBack}`);
  await faultyRegistryProxy(
    registry.host,
    ({ url }) => (isHeldBack(url) ? { type: 'stall', afterBytes: FIRST_PART_BYTES } : null),
    port,
  );
  return {
    holdBack: (layer) => {
      heldBack = layer;
    },
  };
}
