import type { ObservedNetwork } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { hasLink, mustIsolate } from './bridge.ts';
import { withNetlink } from './netlink/socket.ts';
import { bridgeName, inNodeNetwork } from './node-network.ts';
import { isIntact } from './seal.ts';

/** @returns the networks on record, and whether the kernel still has them and their rules as they were made. */
export async function observeNetworks(context: BackendContext): Promise<readonly ObservedNetwork[]> {
  const { network, records } = context;
  const known = await records.networks();
  if (known.length === 0) return [];
  const isIntactTable = await context.locks.run('', () => isIntact(context));
  return inNodeNetwork(network, (namespace) =>
    withNetlink(namespace, 'route', async (route) => {
      const isClosed = mustIsolate(namespace) === network.seal.isIsolated;
      const found: ObservedNetwork[] = [];
      for (const record of known) {
        const isWhole = isIntactTable && isClosed && (await hasLink(route, bridgeName(network, record.name)));
        found.push({ ...record, state: isWhole ? 'ready' : 'broken' });
      }
      return found;
    }),
  );
}
