import type { NetworkSpec } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import type { NetworkRecord } from '../records/records.ts';
import { checkNetworkSpec, hasSameRanges, refuseOverlap } from './check-network.ts';
import { discardNetwork } from './remove.ts';
import { makeNetworksWhole, membersOf } from './whole.ts';

/** Makes a network: the record, then the rules and the bridge. One that is there is made whole. */
export async function createNetwork(context: BackendContext, spec: NetworkSpec): Promise<void> {
  const subnets = checkNetworkSpec(spec);
  const { name, subnet4, subnet6, isOutbound } = spec;
  const record: NetworkRecord = { name, subnet4, subnet6, isOutbound };
  await context.locks.run('', async () => {
    const known = await context.records.networks();
    refuseOverlap(record, subnets, known);
    const before = known.find((network) => network.name === name);
    const isNew = before === undefined || !hasSameRanges(before, record);
    if (before !== undefined && isNew) await discardUnused(context, before);
    try {
      if (isNew || before.isOutbound !== isOutbound) await context.records.saveNetwork(record);
      await makeNetworksWhole(context);
    } catch (error) {
      if (isNew) await discardNetwork(context, name).catch(() => undefined);
      throw error;
    }
  });
}

async function discardUnused(context: BackendContext, network: NetworkRecord): Promise<void> {
  const [member] = membersOf(network.name, await context.records.sandboxes());
  const message = `network ${network.name} is another than asked for, and sandbox ${member?.id} is on it: remove that first`;
  if (member) throw new BackendError('in-use', 'change network', message);
  await discardNetwork(context, network.name);
}
