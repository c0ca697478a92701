import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { BackendContext } from '../context.ts';
import type { SandboxRecord } from '../records/records.ts';
import { makeBridge } from './bridge.ts';
import { restoreForwarding, turnOnForwarding } from './forwarding.ts';
import { writeHostsFiles } from './hosts-files.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import { withNetlink } from './netlink/socket.ts';
import { removeTable, replaceTable } from './nft/batch.ts';
import { bridgeName, inNodeNetwork } from './node-network.ts';
import { portRulesOf } from './place.ts';
import { bridgeElements, type Guarded, networkTable, portElement } from './ruleset.ts';

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

/** In one transaction: no packet ever meets half of the rules. */
async function replaceRules(
  { network, records }: BackendContext,
  namespace: NetworkNamespace,
  { guarded, sandboxes }: { readonly guarded: Guarded; readonly sandboxes: readonly SandboxRecord[] },
): Promise<void> {
  const bridges = (await records.networks()).map(({ name, isOutbound }) => ({
    bridge: bridgeName(network, name),
    isOutbound,
  }));
  const ports = sandboxes.flatMap((sandbox) =>
    typeof sandbox.network === 'object' ? portRulesOf(sandbox.network) : [],
  );
  const elements = [...bridges.flatMap(bridgeElements), ...ports.map(portElement)];
  await withNetlink(namespace, 'netfilter', (netfilter) =>
    netfilter.talk(`replace table ${network.table}`, replaceTable(networkTable(network.table, guarded), elements)),
  );
}

async function tearDown(context: BackendContext, namespace: NetworkNamespace): Promise<void> {
  const { table } = context.network;
  await withNetlink(namespace, 'netfilter', (netfilter) => netfilter.talk(`remove table ${table}`, removeTable(table)));
  for (const directory of [context.layout.hostsDir, context.layout.networksDir])
    await rm(directory, { recursive: true, force: true });
  await restoreForwarding(context, namespace);
}
