import type { ObservedNetwork } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { hasLink, ignoring } from './bridge.ts';
import { withNetlink } from './netlink/socket.ts';
import { getTable } from './nft/batch.ts';
import { bridgeName, inNodeNetwork } from './node-network.ts';

/** @returns the networks on record, and whether the kernel still has them. */
export async function observeNetworks({ network, records }: BackendContext): Promise<readonly ObservedNetwork[]> {
  const known = await records.networks();
  if (known.length === 0) return [];
  return inNodeNetwork(network, async (namespace) => {
    const table = await withNetlink(namespace, 'netfilter', (netfilter) =>
      ignoring('ENOENT', netfilter.talk('find table', getTable(network.table))),
    );
    return withNetlink(namespace, 'route', async (route) => {
      const found: ObservedNetwork[] = [];
      for (const record of known) {
        const isWhole = table !== null && (await hasLink(route, bridgeName(network, record.name)));
        found.push({ ...record, state: isWhole ? 'ready' : 'broken' });
      }
      return found;
    });
  });
}
