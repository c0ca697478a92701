import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import type { ProcessId } from '../process/process-id.ts';
import type { BridgedRecord, BridgedSandbox, NetworkRecord, SandboxRecord } from '../records/records.ts';
import { addressAt, addressBytes } from './addresses.ts';
import { ignoring } from './bridge.ts';
import { subnetsOf } from './check-network.ts';
import { addToHostsFiles, removeFromHostsFiles } from './hosts-files.ts';
import { addressMessage, defaultRouteMessage, linkUpMessage, readLink, vethMessage } from './netlink/link.ts';
import { type NetworkNamespace, withNamespaceOf } from './netlink/namespace.ts';
import { withNetlink } from './netlink/socket.ts';
import { setSysctl } from './netlink/sysctl.ts';
import { addElements, removeElements } from './nft/batch.ts';
import { bridgeName, inNodeNetwork, podMac, portName } from './node-network.ts';
import { GATEWAY, portRulesOf } from './place.ts';
import { portElement } from './ruleset.ts';
import { makeNetworksWhole } from './whole.ts';

/** Connects a new pod to its networks, publishes its ports and makes it known to its neighbours. */
export async function attachToNetworks(
  context: BackendContext,
  sandbox: BridgedSandbox,
  holder: ProcessId,
): Promise<void> {
  const networks = await context.records.networks();
  await inNodeNetwork(context.network, (node) =>
    withNamespaceOf(holder, async (pod) => {
      for (const [index, { name }] of sandbox.network.networks.entries()) {
        const network = networks.find((each) => each.name === name);
        if (!network) throw new BackendError('not-found', 'join network', `network ${name} was removed meanwhile`);
        await plugIn({ context, sandbox, holder, node, pod }, network, index);
      }
    }),
  );
  await context.locks.run('', async () => {
    await publish(context, sandbox);
    await addToHostsFiles(context, sandbox);
  });
}

/** Takes a dead sandbox's ports and names away; its cards went with its network namespace. */
export async function detachFromNetworks(context: BackendContext, sandbox: SandboxRecord): Promise<void> {
  const { network } = sandbox;
  if (typeof network !== 'object') return;
  await context.locks.run('', async () => {
    // First of all off the record, so that nobody who reads it meanwhile publishes the ports again.
    await context.records.saveSandbox({ ...sandbox, network: 'private' });
    await unpublish(context, network);
    removeFromHostsFiles(context, network);
  });
}

interface Plug {
  readonly context: BackendContext;
  readonly sandbox: BridgedSandbox;
  readonly holder: ProcessId;
  readonly node: NetworkNamespace;
  readonly pod: NetworkNamespace;
}

/** One message makes both ends of the cable where they belong; a few more set the pod's end up. */
async function plugIn(
  { context, sandbox, holder, node, pod }: Plug,
  network: NetworkRecord,
  index: number,
): Promise<void> {
  const place = sandbox.network.networks[index];
  if (!place) return;
  const stage = `join network ${network.name}`;
  const card = `eth${index}`;
  const peer = { namespace: pod, name: card, mac: podMac(addressBytes(place.ipv4)) };
  await withNetlink(node, 'route', async (route) => {
    const bridge = await readLink(route, bridgeName(context.network, network.name));
    const name = portName(context.network, holder, network.name);
    await route.talk(stage, [vethMessage({ name, bridgeIndex: bridge.index, peer })]);
  });
  const quiet = place.ipv6 === null ? { disable_ipv6: '1' } : { accept_ra: '0', accept_dad: '0' };
  for (const [name, value] of Object.entries(quiet)) setSysctl(pod, `ipv6/conf/${card}/${name}`, value);
  const { subnet4, subnet6 } = subnetsOf(network);
  await withNetlink(pod, 'route', async (route) => {
    const { index: link } = await readLink(route, card);
    const addresses = [addressMessage(link, place.ipv4, subnet4.prefixLength)];
    const routes = [defaultRouteMessage(link, addressAt(subnet4, GATEWAY))];
    if (subnet6 && place.ipv6 !== null) {
      addresses.push(addressMessage(link, place.ipv6, subnet6.prefixLength));
      routes.push(defaultRouteMessage(link, addressAt(subnet6, GATEWAY)));
    }
    await route.talk(stage, [linkUpMessage(link), ...addresses, ...(index === 0 ? routes : [])]);
  });
}

/** Where somebody removed our rules, they are made anew from the records, this sandbox's among them. */
async function publish(context: BackendContext, { network }: BridgedSandbox): Promise<void> {
  const elements = portRulesOf(network).map(portElement);
  if (elements.length === 0) return;
  const added = await inNodeNetwork(context.network, (namespace) =>
    withNetlink(namespace, 'netfilter', (netfilter) =>
      ignoring('ENOENT', netfilter.talk('publish ports', addElements(context.network.table, elements))),
    ),
  );
  if (added === null) await makeNetworksWhole(context);
}

async function unpublish({ network: { table }, network: node }: BackendContext, network: BridgedRecord): Promise<void> {
  const elements = portRulesOf(network).map(portElement);
  if (elements.length === 0) return;
  await inNodeNetwork(node, (namespace) =>
    withNetlink(namespace, 'netfilter', (netfilter) =>
      ignoring('ENOENT', netfilter.talk('withdraw ports', removeElements(table, elements))),
    ),
  );
}
