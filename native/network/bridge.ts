import type { BackendContext } from '../context.ts';
import type { NetworkRecord, SandboxRecord } from '../records/records.ts';
import { addressAt, addressBytes } from './addresses.ts';
import { subnetsOf } from './check-network.ts';
import { ignoring } from './ignoring.ts';
import {
  addressMessage,
  bridgeMessage,
  closePortMessage,
  deleteLinkMessage,
  neighbourMessage,
  readLink,
  setPortMessage,
  stationMessage,
} from './netlink/link.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { readSysctl, setSysctl } from './netlink/sysctl.ts';
import { bridgeMac, bridgeName, podMac, portName } from './node-network.ts';
import { GATEWAY } from './place.ts';

interface Ground {
  readonly context: Pick<BackendContext, 'network'>;
  readonly namespace: NetworkNamespace;
  readonly route: NetlinkSocket;
}

/** Makes a network's bridge, or what is missing of it, and takes its members' cards back when it had to be made anew. */
export async function makeBridge(
  ground: Ground,
  network: NetworkRecord,
  members: readonly SandboxRecord[],
): Promise<void> {
  const { context, namespace, route } = ground;
  const name = bridgeName(context.network, network.name);
  const stage = `make bridge of network ${network.name}`;
  const wasThere = await hasLink(route, name);
  await route.talk(stage, [bridgeMessage(name, bridgeMac(context.network, network.name))]);
  const { index } = await readLink(route, name);
  const { subnet4, subnet6 } = subnetsOf(network);
  // For the node's own connections to published ports; the rules let no pod use it.
  setSysctl(namespace, `ipv4/conf/${name}/route_localnet`, '1');
  setSysctl(namespace, `ipv6/conf/${name}/accept_ra`, '0');
  // Its addresses are ours alone; while one is being checked for a double, pods get no answer over IPv6.
  setSysctl(namespace, `ipv6/conf/${name}/accept_dad`, '0');
  setSysctl(namespace, `ipv6/conf/${name}/disable_ipv6`, subnet6 ? '0' : '1');
  const subnets = subnet6 ? [subnet4, subnet6] : [subnet4];
  await route.talk(
    stage,
    subnets.map((subnet) => addressMessage(index, addressAt(subnet, GATEWAY), subnet.prefixLength)),
  );
  for (const { holder, network: on } of members) {
    const place = typeof on === 'object' && on.networks.find((each) => each.name === network.name);
    if (holder === null || !place) continue;
    const port = portName(context.network, holder, network.name);
    const reconnect = async (): Promise<void> => {
      if (!wasThere) await route.talk(stage, [setPortMessage(port, index)]);
      await closePort(context, route, { stage, port, bridgeIndex: index, place });
    };
    await ignoring('ENODEV', reconnect());
  }
}

interface PortPlace {
  readonly stage: string;
  readonly port: string;
  readonly bridgeIndex: number;
  readonly place: { readonly ipv4: string; readonly ipv6: string | null };
}

/** Has the port of a pod, by name, carry nothing but what is from and to the pod, and pass through our rules. */
export async function closePort(
  { network: { seal } }: Pick<BackendContext, 'network'>,
  route: NetlinkSocket,
  { stage, port, bridgeIndex, place }: PortPlace,
): Promise<void> {
  const mac = podMac(addressBytes(place.ipv4));
  await route.talk(stage, [closePortMessage(port, seal)]);
  const { index } = await readLink(route, port);
  const addresses = place.ipv6 === null ? [place.ipv4] : [place.ipv4, place.ipv6];
  await route.talk(stage, [
    stationMessage(index, mac),
    ...addresses.map((address) => neighbourMessage(bridgeIndex, address, mac)),
  ]);
}

/**
 * Pods of one network must meet our rules on the way to each other. Where br_netfilter has bridges filter as routers do,
 * they do so on the bridge itself; elsewhere their ports are isolated, so that there is no way but through the node. Not
 * both: an isolated port would drop what a filtering bridge has just translated to a neighbour's address.
 * @returns whether ports are to be isolated.
 */
export function mustIsolate(namespace: NetworkNamespace): boolean {
  return ['iptables', 'ip6tables'].some((which) => readSysctl(namespace, `bridge/bridge-nf-call-${which}`) !== '1');
}

/** Removes a network's bridge, there or not. */
export async function removeBridge({ context, route }: Omit<Ground, 'namespace'>, network: string): Promise<void> {
  const name = bridgeName(context.network, network);
  await ignoring('ENODEV', route.talk(`remove bridge of network ${network}`, [deleteLinkMessage(name)]));
}

/** @returns whether there is a link of that name, and it is up. */
export async function hasLink(route: NetlinkSocket, name: string): Promise<boolean> {
  return (await ignoring('ENODEV', readLink(route, name)))?.isUp === true;
}
