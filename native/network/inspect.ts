import type { NetworkDifference } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import type { BackendError } from '../errors.ts';
import type { ProcessId } from '../process/process-id.ts';
import type { BridgedSandbox, NetworkRecord } from '../records/records.ts';
import { livingHolder } from '../sandbox/holder.ts';
import { addressBytes } from './addresses.ts';
import { addressesAt, bridgeSettings, mustIsolate } from './bridge.ts';
import { subnetsOf } from './check-network.ts';
import { bridgeDifferences, cardDifferences, portDifferences } from './differences.ts';
import { forwardingSettings } from './forwarding.ts';
import { listMessages, type NetworkLists, readLists } from './netlink/lists.ts';
import { type NetworkNamespace, withNamespaceOf } from './netlink/namespace.ts';
import { visitNamespace } from './netlink/socket.ts';
import { readSysctl } from './netlink/sysctl.ts';
import { bridgeMac, bridgeName, inNodeNetwork, podMac, portName } from './node-network.ts';
import { cardName, waysOf } from './plug.ts';
import { isIntact } from './seal.ts';

/** In what the kernel has networks and the cards of sandboxes other than they were made; nothing of those that are right. */
export interface Inspection {
  readonly networks: ReadonlyMap<string, readonly NetworkDifference[]>;
  readonly sandboxes: ReadonlyMap<string, readonly NetworkDifference[]>;
}

/**
 * Of the namespaces of pods so many are entered in one look: in turn, and as many again of those that were found changed.
 * The node's end of every card is always looked at.
 */
const MOST_ENTERED = 8;

/** Compares networks and cards with their records. What is being changed meanwhile is looked at when that is over. */
export async function inspectNetworks(context: BackendContext): Promise<Inspection> {
  return context.locks.run('', async () => {
    const networks = await context.records.networks();
    if (networks.length === 0) return { networks: new Map(), sandboxes: new Map() };
    const sandboxes = await livingSandboxes(context);
    const ground: Ground = { context, networks, sandboxes, entered: inTurn(context, sandboxes) };
    const first = await look(ground);
    if (first.networks.size + first.sandboxes.size === 0) return first;
    // A list that changes while it is read may lack what is there, and a pod may end: twice the same is a difference.
    const again = await look({ ...ground, sandboxes: await livingSandboxes(context) });
    return { networks: common(first.networks, again.networks), sandboxes: common(first.sandboxes, again.sandboxes) };
  });
}

interface LivingSandbox extends BridgedSandbox {
  readonly holder: ProcessId;
}

interface Ground {
  readonly context: BackendContext;
  readonly networks: readonly NetworkRecord[];
  readonly sandboxes: readonly LivingSandbox[];
  /** Whose namespaces are entered. */
  readonly entered: ReadonlySet<string>;
}

async function livingSandboxes(context: BackendContext): Promise<readonly LivingSandbox[]> {
  const living: LivingSandbox[] = [];
  for (const record of await context.records.sandboxes()) {
    const { network } = record;
    if (typeof network !== 'object' || context.inFlight.has(record.id)) continue;
    const holder = await livingHolder(context, record);
    if (holder !== null) living.push({ ...record, network, holder });
  }
  return living;
}

/** Those that were found changed are looked at each time, so that it is seen at once when they are right again. */
function inTurn({ network: { rounds } }: BackendContext, sandboxes: readonly LivingSandbox[]): ReadonlySet<string> {
  const ids = sandboxes.map(({ id }) => id).sort();
  for (const id of rounds.changed.keys()) if (!ids.includes(id)) rounds.changed.delete(id);
  const ordered = [...ids.filter((id) => id > rounds.last), ...ids.filter((id) => id <= rounds.last)];
  const turn = ordered.slice(0, MOST_ENTERED);
  rounds.last = turn.at(-1) ?? '';
  return new Set([...turn, ...[...rounds.changed.keys()].slice(0, MOST_ENTERED)]);
}

async function look(ground: Ground): Promise<Inspection> {
  const { context, networks, sandboxes } = ground;
  const { seal } = context.network;
  const isAsMade = await isIntact(context);
  return inNodeNetwork(context.network, async (node) => {
    const lists = await listsIn(node, 'look at networks', ['links', 'addresses', 'neighbours', 'stations']);
    const shared = [
      ...(isAsMade ? [] : [{ field: 'rules', expected: 'as made', found: 'changed' }]),
      ...settingDifferences(node, forwardingSettings(networks)),
      ...(mustIsolate(node) === seal.isIsolated ? [] : [{ field: 'bridges', expected: 'closed', found: 'open' }]),
    ];
    const found = networks.map((network): Named => {
      const name = bridgeName(context.network, network.name);
      const { subnet4, subnet6 } = subnetsOf(network);
      const subnets = subnet6 ? [subnet4, subnet6] : [subnet4];
      const bridge = bridgeDifferences(lists, { name, mac: bridgeMac(context.network, network.name), subnets });
      const isGone = bridge.some(({ field }) => field === 'bridge');
      const settings = isGone ? [] : settingDifferences(node, bridgeSettings(name, { hasIpv6: subnet6 !== null }));
      return [network.name, [...shared, ...bridge, ...settings]];
    });
    const cards: Named[] = [];
    for (const sandbox of sandboxes)
      cards.push([sandbox.id, [...portsOf(ground, lists, sandbox), ...(await insideOf(ground, sandbox))]]);
    return { networks: nonEmpty(found), sandboxes: nonEmpty(cards) };
  });
}

type Named = readonly [name: string, differences: readonly NetworkDifference[]];

function portsOf({ context }: Ground, lists: NetworkLists, { holder, network }: LivingSandbox): Named[1] {
  return network.networks.flatMap((place, index) =>
    portDifferences(lists, {
      card: cardName(index),
      name: portName(context.network, holder, place.name),
      bridge: bridgeName(context.network, place.name),
      mac: podMac(addressBytes(place.ipv4)),
      addresses: addressesAt(place),
      isIsolated: context.network.seal.isIsolated,
    }),
  );
}

/** @returns what differs in the sandbox's own namespace, as it is now or when it was last entered. */
async function insideOf({ context, networks, entered }: Ground, sandbox: LivingSandbox): Promise<Named[1]> {
  const { changed } = context.network.rounds;
  if (!entered.has(sandbox.id)) return changed.get(sandbox.id) ?? [];
  const enter = withNamespaceOf(sandbox.holder, (pod) =>
    listsIn(pod, 'look at cards', ['links', 'addresses', 'neighbours', 'routes']),
  );
  const lists = await enter.catch((error: BackendError) => {
    if (error.code === 'not-found') return null;
    throw error;
  });
  if (lists === null) return [];
  const differences = sandbox.network.networks.flatMap((place, index) => {
    const network = networks.find(({ name }) => name === place.name);
    if (!network) return [];
    return cardDifferences(lists, {
      name: cardName(index),
      mac: podMac(addressBytes(place.ipv4)),
      gatewayMac: bridgeMac(context.network, network.name),
      places: waysOf(network, place),
      isFirst: index === 0,
    });
  });
  if (differences.length > 0) changed.set(sandbox.id, differences);
  else changed.delete(sandbox.id);
  return differences;
}

async function listsIn(
  namespace: NetworkNamespace,
  stage: string,
  kinds: Parameters<typeof listMessages>[0],
): Promise<NetworkLists> {
  return readLists(await visitNamespace(namespace, stage, listMessages(kinds)));
}

function settingDifferences(namespace: NetworkNamespace, settings: Readonly<Record<string, string>>): Named[1] {
  return Object.entries(settings).flatMap(([field, expected]) => {
    const found = readSysctl(namespace, field);
    return found === null || found === expected ? [] : [{ field, expected, found }];
  });
}

function nonEmpty(each: readonly Named[]): Inspection['networks'] {
  return new Map(each.filter(([, differences]) => differences.length > 0));
}

function common(first: Inspection['networks'], again: Inspection['networks']): Inspection['networks'] {
  return nonEmpty(
    [...first].map(([name, differences]) => {
      const twice = new Set(again.get(name)?.map(keyOf));
      return [name, differences.filter((difference) => twice.has(keyOf(difference)))];
    }),
  );
}

function keyOf({ field, found }: NetworkDifference): string {
  return `${field} ${found}`;
}
