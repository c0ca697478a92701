import { rmSync } from 'node:fs';
import type { TrafficRules } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import type { NetworkRecord, SandboxRecord, TrafficRecord } from '../records/records.ts';
import { addressAt, sizeOf } from './addresses.ts';
import { subnetsOf } from './check-network.ts';
import { checkTraffic } from './check-traffic.ts';
import { GATEWAY } from './place.ts';
import { breakSeal } from './seal-state.ts';
import { renewRules } from './whole.ts';

/** Writes down who may talk to whom and has the kernel hold it. Without a network there is nothing to hold. */
export async function applyTraffic(context: BackendContext, rules: TrafficRules): Promise<void> {
  checkTraffic(rules);
  await context.locks.run('', async () => {
    const networks = await context.records.networks();
    if (networks.length === 0) {
      rmSync(context.layout.trafficFile, { force: true });
      return;
    }
    const sandboxes = await context.records.sandboxes();
    // What is on record counts as held unless the seal is broken, which the new rules mend.
    breakSeal(context.network.seal);
    context.records.saveTraffic(giveAddresses(rules, context.records.traffic(), { networks, sandboxes }));
    await renewRules(context);
  });
}

interface Ground {
  readonly networks: readonly NetworkRecord[];
  readonly sandboxes: readonly Pick<SandboxRecord, 'network'>[];
}

/**
 * Gives each service an address of each of its networks, from the end of the range on, and lets it keep the one it has.
 * @throws BackendError `no-resources` when all addresses of a network are in use.
 */
export function giveAddresses(rules: TrafficRules, before: TrafficRecord, ground: Ground): TrafficRecord {
  const addresses: Record<string, Record<string, { ipv4: string; ipv6: string | null }>> = {};
  for (const network of ground.networks) {
    const services = rules.services.filter(
      ({ isHeadless, networks }) => !isHeadless && networks.includes(network.name),
    );
    const kept = before.addresses[network.name] ?? {};
    const given: Record<string, { ipv4: string; ipv6: string | null }> = {};
    for (const { name } of services) if (Object.hasOwn(kept, name) && kept[name]) given[name] = kept[name];
    for (const { name } of services) given[name] ??= lastFree(network, Object.values(given), ground.sandboxes);
    if (services.length > 0) addresses[network.name] = given;
  }
  return { rules: structuredClone(rules) as TrafficRecord['rules'], addresses };
}

function lastFree(
  network: NetworkRecord,
  given: readonly { readonly ipv4: string }[],
  sandboxes: Ground['sandboxes'],
): { ipv4: string; ipv6: string | null } {
  const { subnet4, subnet6 } = subnetsOf(network);
  const used = new Set(given.map(({ ipv4 }) => ipv4));
  for (const sandbox of sandboxes)
    if (typeof sandbox.network === 'object')
      for (const { name, ipv4 } of sandbox.network.networks) if (name === network.name) used.add(ipv4);
  for (let n = Number(sizeOf(subnet4)) - 2; n > GATEWAY; n -= 1) {
    const ipv4 = addressAt(subnet4, n);
    if (!used.has(ipv4)) return { ipv4, ipv6: subnet6 && addressAt(subnet6, n) };
  }
  throw new BackendError('no-resources', 'allocate address', `every address of ${network.subnet4} is in use`);
}
