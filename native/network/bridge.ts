import type { BackendContext } from '../context.ts';
import type { BackendError } from '../errors.ts';
import type { NetworkRecord, SandboxRecord } from '../records/records.ts';
import { addressAt } from './addresses.ts';
import { subnetsOf } from './check-network.ts';
import { addressMessage, bridgeMessage, deleteLinkMessage, readLink, setPortMessage } from './netlink/link.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { setSysctl } from './netlink/sysctl.ts';
import { bridgeMac, bridgeName, portName } from './node-network.ts';
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
  if (wasThere) return;
  for (const { holder } of members) {
    if (holder === null) continue;
    await ignoring(
      'ENODEV',
      route.talk(stage, [setPortMessage(portName(context.network, holder, network.name), index)]),
    );
  }
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

/** @returns null when the task fails with just this errno. */
export async function ignoring<T>(errno: string, task: Promise<T>): Promise<T | null> {
  try {
    return await task;
  } catch (error) {
    if ((error as BackendError).errno === errno) return null;
    throw error;
  }
}
