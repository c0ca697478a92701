import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import type { ProcessId } from '../process/process-id.ts';
import type { BridgedRecord, BridgedSandbox, SandboxRecord } from '../records/records.ts';
import { addressBytes } from './addresses.ts';
import { addressesAt } from './bridge.ts';
import { addToHostsFiles, removeFromHostsFiles } from './hosts-files.ts';
import { ignoring } from './ignoring.ts';
import { forgetMessages, readLink } from './netlink/link.ts';
import { withNamespaceOf } from './netlink/namespace.ts';
import { withNetlink } from './netlink/socket.ts';
import { addElements, removeElements } from './nft/batch.ts';
import { bridgeName, inNodeNetwork, podMac } from './node-network.ts';
import { type Plug, plugIn, settleCard } from './plug.ts';
import { elementsOf } from './sandbox-elements.ts';
import { commitElements } from './seal.ts';
import { mentions } from './traffic-of.ts';
import { makeNetworksWhole, renewRules } from './whole.ts';

/**
 * Publishes the ports of a pod that is on record, guards it and makes it known to its neighbours. Whoever removes it later
 * takes all of that back, also when this has not ended yet.
 */
export async function announceOnNetworks(context: BackendContext, sandbox: BridgedSandbox): Promise<void> {
  await context.locks.run('', async () => {
    await publish(context, sandbox);
    await addToHostsFiles(context, sandbox);
  });
}

/** Connects a new pod to its networks. */
export async function attachToNetworks(
  context: BackendContext,
  sandbox: BridgedSandbox,
  holder: ProcessId,
): Promise<void> {
  const networks = await context.records.networks();
  await inNodeNetwork(context.network, (node) =>
    withNamespaceOf(holder, async (pod) => {
      const hasIpv6 = sandbox.network.networks.some(({ ipv6 }) => ipv6 !== null);
      for (const [index, place] of sandbox.network.networks.entries()) {
        const network = networks.find(({ name }) => name === place.name);
        if (!network)
          throw new BackendError('not-found', 'join network', `network ${place.name} was removed meanwhile`);
        const plug: Plug = { context, holder, node, pod, network, place, index };
        await plugIn(plug);
        if (hasIpv6 && place.ipv6 === null) settleCard(plug);
      }
    }),
  );
}

/** Takes a dead sandbox's ports and names away; its cards went with its network namespace. */
export async function detachFromNetworks(context: BackendContext, sandbox: SandboxRecord): Promise<void> {
  const { network } = sandbox;
  if (typeof network !== 'object') return;
  await context.locks.run('', async () => {
    // No rule may speak of an address that somebody else can have next.
    if (mentions(context.records.traffic(), sandbox.id))
      await ignoring('ENOENT', renewRules(context, { without: sandbox.id }));
    else await withdraw(context, { ...sandbox, network });
    await forgetPlaces(context, network);
    removeFromHostsFiles(context, { ...sandbox, network });
    // Off the record only now, so that what failed is tried again, and within the lock, so that nobody publishes it again.
    const forgotten: SandboxRecord = { ...sandbox, network: 'private' };
    await context.records.saveSandbox(forgotten);
  });
}

/** Where somebody removed our rules, they are made anew from the records, this sandbox's among them. */
async function publish(context: BackendContext, sandbox: BridgedSandbox): Promise<void> {
  const elements = addElements(context.network.table, elementsOf(sandbox, context.records.traffic()));
  const added = await inNodeNetwork(context.network, (namespace) =>
    withNetlink(namespace, 'netfilter', (netfilter) =>
      ignoring(
        'ENOENT',
        commitElements(context, netfilter, 'publish sandbox', elements).then(() => true),
      ),
    ),
  );
  if (added === null) await makeNetworksWhole(context);
}

async function withdraw(context: BackendContext, sandbox: BridgedSandbox): Promise<void> {
  const elements = removeElements(context.network.table, elementsOf(sandbox, context.records.traffic()));
  await inNodeNetwork(context.network, (namespace) =>
    withNetlink(namespace, 'netfilter', (netfilter) =>
      ignoring('ENOENT', commitElements(context, netfilter, 'withdraw sandbox', elements)),
    ),
  );
}

/** A bridge that is gone knows nobody any more. */
async function forgetPlaces(context: BackendContext, { networks }: BridgedRecord): Promise<void> {
  await inNodeNetwork(context.network, (namespace) =>
    withNetlink(namespace, 'route', async (route) => {
      for (const place of networks) {
        const bridge = await ignoring('ENODEV', readLink(route, bridgeName(context.network, place.name)));
        if (bridge === null) continue;
        const mac = podMac(addressBytes(place.ipv4));
        const messages = addressesAt(place).flatMap((address) => forgetMessages(bridge.index, address, mac));
        await route.talk(`leave network ${place.name}`, messages);
      }
    }),
  );
}
