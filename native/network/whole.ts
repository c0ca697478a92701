import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { BackendContext } from '../context.ts';
import type { SandboxRecord } from '../records/records.ts';
import { makeBridge, mustIsolate } from './bridge.ts';
import { restoreForwarding, turnOnForwarding } from './forwarding.ts';
import { writeHostsFiles } from './hosts-files.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import { withNetlink } from './netlink/socket.ts';
import { removeTable, replaceTable } from './nft/batch.ts';
import { bridgeName, inNodeNetwork } from './node-network.ts';
import { bridgeElements, type Guarded, networkTable } from './ruleset.ts';
import { elementsOf } from './sandbox-elements.ts';
import { commitTable } from './seal.ts';
import { compileTraffic } from './traffic-table.ts';

/** Makes of networks what the records say, after a crash, a reboot or somebody else's hand. Nothing without records. */
export async function repairNetworks(context: BackendContext): Promise<void> {
  await context.locks.run('', () => makeNetworksWhole(context));
}

/** The same within the lock of what sandboxes share. With no network left, nothing of ours is left either. */
export async function makeNetworksWhole(context: BackendContext): Promise<void> {
  const { layout, network, records } = context;
  const networks = await records.networks();
  if (networks.length === 0 && !existsSync(layout.forwardingFile)) return;
  await inNodeNetwork(network, async (namespace) => {
    if (networks.length === 0) return tearDown(context, namespace);
    const hasIpv6 = networks.some(({ subnet6 }) => subnet6 !== null);
    const guarded = await turnOnForwarding(context, namespace, { hasIpv6 });
    const sandboxes = await records.sandboxes();
    await replaceRules(context, namespace, { guarded, sandboxes });
    network.seal.isIsolated = mustIsolate(namespace);
    await withNetlink(namespace, 'route', async (route) => {
      for (const each of networks)
        await makeBridge({ context, namespace, route }, each, membersOf(each.name, sandboxes));
    });
    writeHostsFiles(context, sandboxes);
  });
}

/** @returns the sandboxes on a network. */
export function membersOf(network: string, sandboxes: readonly SandboxRecord[]): readonly SandboxRecord[] {
  return sandboxes.filter(
    (each) => typeof each.network === 'object' && each.network.networks.some(({ name }) => name === network),
  );
}

/**
 * Makes rules and hosts files anew, of networks whose bridges are there. Within the lock of what sandboxes share.
 * @param leaving a sandbox that is to be in none of them any more.
 */
export async function renewRules(context: BackendContext, leaving?: { readonly without: string }): Promise<void> {
  const { layout, network, records } = context;
  const networks = await records.networks();
  if (networks.length === 0 || !existsSync(layout.forwardingFile)) return;
  const hasIpv6 = networks.some(({ subnet6 }) => subnet6 !== null);
  await inNodeNetwork(network, async (namespace) => {
    const guarded = await turnOnForwarding(context, namespace, { hasIpv6 });
    const sandboxes = (await records.sandboxes()).filter(({ id }) => id !== leaving?.without);
    await replaceRules(context, namespace, { guarded, sandboxes });
    writeHostsFiles(context, sandboxes);
  });
}

/** In one transaction: no packet ever meets half of the rules. */
async function replaceRules(
  context: BackendContext,
  namespace: NetworkNamespace,
  { guarded, sandboxes }: { readonly guarded: Guarded; readonly sandboxes: readonly SandboxRecord[] },
): Promise<void> {
  const { network, records } = context;
  const bridgeOf = (name: string): string => bridgeName(network, name);
  const bridges = (await records.networks()).map(({ name, isOutbound }) => ({ bridge: bridgeOf(name), isOutbound }));
  const traffic = records.traffic();
  const compiled = compileTraffic(traffic, { sandboxes, bridgeOf });
  const places = sandboxes.flatMap((sandbox) =>
    typeof sandbox.network === 'object' ? elementsOf({ ...sandbox, network: sandbox.network }, traffic) : [],
  );
  const table = networkTable(network.table, guarded, compiled.table);
  await withNetlink(namespace, 'netfilter', (netfilter) =>
    commitTable(context, netfilter, {
      stage: `replace table ${network.table}`,
      messages: replaceTable(table, [...bridges.flatMap(bridgeElements), ...places, ...compiled.elements]),
      sets: table.sets.map(({ name }) => name),
    }),
  );
}

/** Removes all there is of networks but their bridges. The records go last: while there is one, this is tried again. */
export async function removeNetworking(context: BackendContext): Promise<void> {
  if (existsSync(context.layout.forwardingFile) || existsSync(context.layout.networksDir))
    await inNodeNetwork(context.network, (namespace) => tearDown(context, namespace));
}

async function tearDown(context: BackendContext, namespace: NetworkNamespace): Promise<void> {
  const { table } = context.network;
  await withNetlink(namespace, 'netfilter', (netfilter) => netfilter.talk(`remove table ${table}`, removeTable(table)));
  const { hostsDir, networksDir, trafficFile } = context.layout;
  for (const path of [hostsDir, trafficFile]) await rm(path, { recursive: true, force: true });
  await restoreForwarding(context, namespace);
  await rm(networksDir, { recursive: true, force: true });
}
