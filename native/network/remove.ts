import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { removeBridge } from './bridge.ts';
import { checkNetworkName } from './check-network.ts';
import { withNetlink } from './netlink/socket.ts';
import { inNodeNetwork } from './node-network.ts';
import { breakSeal } from './seal-state.ts';
import { makeNetworksWhole, membersOf, removeNetworking } from './whole.ts';

/** Removes a network that no sandbox is on. */
export async function removeNetwork(context: BackendContext, name: string): Promise<void> {
  checkNetworkName(name);
  await context.locks.run('', async () => {
    const [member] = membersOf(name, await context.records.sandboxes());
    if (member) throw new BackendError('in-use', 'remove network', `sandbox ${member.id} is on network ${name}`);
    await discardNetwork(context, name);
  });
}

/**
 * The same without a look at who is on it, within the lock. The record of the last network goes after all that there is of
 * networks; that of another one goes before the rules, whose seal tells that they are still to be made anew.
 */
export async function discardNetwork(context: BackendContext, name: string): Promise<void> {
  await inNodeNetwork(context.network, (namespace) =>
    withNetlink(namespace, 'route', (route) => removeBridge({ context, route }, name)),
  );
  const others = (await context.records.networks()).filter((network) => network.name !== name);
  if (others.length === 0) return removeNetworking(context);
  breakSeal(context.network.seal);
  await context.records.removeNetwork(name);
  await makeNetworksWhole(context);
}
