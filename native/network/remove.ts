import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { removeBridge } from './bridge.ts';
import { checkNetworkName } from './check-network.ts';
import { withNetlink } from './netlink/socket.ts';
import { inNodeNetwork } from './node-network.ts';
import { makeNetworksWhole, membersOf } from './whole.ts';

/** Removes a network that no sandbox is on. */
export async function removeNetwork(context: BackendContext, name: string): Promise<void> {
  checkNetworkName(name);
  await context.locks.run('', async () => {
    const [member] = membersOf(name, await context.records.sandboxes());
    if (member) throw new BackendError('in-use', 'remove network', `sandbox ${member.id} is on network ${name}`);
    await discardNetwork(context, name);
  });
}

/** The same without a look at who is on it, within the lock. The record goes after the bridge, the rules after both. */
export async function discardNetwork(context: BackendContext, name: string): Promise<void> {
  await inNodeNetwork(context.network, (namespace) =>
    withNetlink(namespace, 'route', (route) => removeBridge({ context, route }, name)),
  );
  await context.records.removeNetwork(name);
  await makeNetworksWhole(context);
}
