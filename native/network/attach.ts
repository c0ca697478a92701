import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import type { ProcessId } from '../process/process-id.ts';
import type { BridgedRecord, BridgedSandbox, NetworkRecord, SandboxRecord } from '../records/records.ts';
import { addressAt, addressBytes, type Subnet } from './addresses.ts';
import { closePort } from './bridge.ts';
import { subnetsOf } from './check-network.ts';
import { addToHostsFiles, removeFromHostsFiles } from './hosts-files.ts';
import { ignoring } from './ignoring.ts';
import {
  addressMessage,
  type Destination,
  forgetMessages,
  linkUpMessage,
  neighbourMessage,
  readLink,
  routeMessage,
  vethMessage,
} from './netlink/link.ts';
import type { NetlinkMessage } from './netlink/message.ts';
import { type NetworkNamespace, withNamespaceOf } from './netlink/namespace.ts';
import { withNetlink } from './netlink/socket.ts';
import { setSysctl } from './netlink/sysctl.ts';
import { addElements, removeElements } from './nft/batch.ts';
import { bridgeMac, bridgeName, inNodeNetwork, podMac, portName } from './node-network.ts';
import { GATEWAY } from './place.ts';
import { elementsOf } from './sandbox-elements.ts';
import { commitElements } from './seal.ts';
import { mentions } from './traffic-of.ts';
import { makeNetworksWhole, renewRules } from './whole.ts';

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
    await closePort(context, route, { stage, port: name, bridgeIndex: bridge.index, place });
  });
  const quiet = place.ipv6 === null ? { disable_ipv6: '1' } : { accept_ra: '0', accept_dad: '0' };
  for (const [name, value] of Object.entries(quiet)) setSysctl(pod, `ipv6/conf/${card}/${name}`, value);
  const { subnet4, subnet6 } = subnetsOf(network);
  await withNetlink(pod, 'route', async (route) => {
    const { index: link } = await readLink(route, card);
    const bridge = bridgeMac(context.network, network.name);
    const ways = [wayOn(link, { subnet: subnet4, address: place.ipv4, bridge, index })];
    if (subnet6 && place.ipv6 !== null) ways.push(wayOn(link, { subnet: subnet6, address: place.ipv6, bridge, index }));
    await route.talk(stage, [linkUpMessage(link), ...ways.flat()]);
  });
}

interface Way {
  readonly subnet: Subnet;
  readonly address: string;
  /** MAC address of the network's bridge: no neighbour can take its place. */
  readonly bridge: Buffer;
  /** Of the network among the pod's: the first has the way to everywhere else. */
  readonly index: number;
}

/** An address, and the way to its network: through the node, to neighbours too, where every packet meets our rules. */
function wayOn(link: number, { subnet, address, bridge, index }: Way): readonly NetlinkMessage[] {
  const destination: Destination = { address: addressAt(subnet, 0), prefixLength: subnet.prefixLength };
  const gateway = addressAt(subnet, GATEWAY);
  return [
    addressMessage(link, address, subnet.family === 4 ? 32 : 128),
    neighbourMessage(link, gateway, bridge),
    routeMessage(link, gateway, destination),
    ...(index === 0 ? [routeMessage(link, gateway, null)] : []),
  ];
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
      for (const { name, ipv4, ipv6 } of networks) {
        const bridge = await ignoring('ENODEV', readLink(route, bridgeName(context.network, name)));
        if (bridge === null) continue;
        const mac = podMac(addressBytes(ipv4));
        const addresses = ipv6 === null ? [ipv4] : [ipv4, ipv6];
        const messages = addresses.flatMap((address) => forgetMessages(bridge.index, address, mac));
        await route.talk(`leave network ${name}`, messages);
      }
    }),
  );
}
