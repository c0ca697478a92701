import { createHash } from 'node:crypto';
import { formatSubnet, type LocatedResource } from '../../manifests/index.ts';
import type { NetworkSpec } from '../../native/index.ts';
import { toFailure } from '../execute/to-failure.ts';
import type { Failure } from '../reconcile/failure.ts';
import { type Allocations, allocateNetworks, type SubnetPools } from '../reconcile/networks/allocate.ts';
import { type Networking, namespacedRules, wantedNetworks } from '../reconcile/networks/networking.ts';
import type { DesiredState, ObservedState } from '../reconcile/state.ts';
import type { StateFiles } from '../state/state-files.ts';

/** Gives networks their ranges. */
export interface NetworkAllocator {
  /**
   * What Git and the node say of networks, with ranges that were kept before anybody uses them: what could not be kept is
   * lacking, unless the node has it already. Fails only where the routes of the node or what was kept cannot be read.
   */
  settle(desired: DesiredState, resources: readonly LocatedResource[], observed: ObservedState): Promise<Settled>;
  /** The same, and nothing is kept: it is not to be carried out. */
  foresee(desired: DesiredState, resources: readonly LocatedResource[], observed: ObservedState): Promise<Networking>;
}

export interface Settled {
  readonly networking: Networking;
  /** Why something could not be kept; null when it was. */
  readonly failure: Failure | null;
}

export interface AllocatorPorts {
  readonly pools: SubnetPools;
  readonly state: Pick<StateFiles, 'readAllocations' | 'writeAllocations'>;
  /** @returns the ranges that the node has routes to. */
  readonly routes: () => Promise<readonly string[]>;
}

/** Makes an allocator that reads what was kept when it is first asked. */
export function createAllocator({ pools, state, routes }: AllocatorPorts): NetworkAllocator {
  let kept: Allocations | null = null;
  const foresee: NetworkAllocator['foresee'] = async (desired, resources, observed) => {
    kept ??= await state.readAllocations();
    const known = kept;
    const wanted = wantedNetworks(desired.workloads, resources, known);
    const networks = observed.networks ?? [];
    const isNew = wanted.some(({ name }) => !Object.hasOwn(known, name));
    const occupied = { allocations: known, networks, routes: isNew ? await routes() : [] };
    const given = allocateNetworks(wanted, pools, occupied);
    const without = wanted.filter(({ name }) => !given.some((network) => network.name === name));
    return {
      networks: given,
      lacking: without.map(({ name }) => ({ name, reason: NO_RANGE })),
      ...namespacedRules(desired.workloads, resources),
    };
  };
  return {
    foresee,
    settle: async (desired, resources, observed) => {
      const networking = await foresee(desired, resources, observed);
      const next = { ...kept };
      for (const { name, ...network } of networking.networks) next[name] = network;
      if (JSON.stringify(next) === JSON.stringify(kept)) return { networking, failure: null };
      try {
        await state.writeAllocations(next);
        kept = next;
        return { networking, failure: null };
      } catch (error) {
        return unkept(networking, { kept: kept ?? {}, present: observed.networks ?? [], error });
      }
    },
  };
}

const NO_RANGE = 'no range is free in the pools of the agent (`network.pools` in its configuration)';

interface Unkept {
  readonly kept: Allocations;
  readonly present: readonly NetworkSpec[];
  readonly error: unknown;
}

/** A range that is lost with the agent could be given twice; one that the node or an earlier file has is safe. */
function unkept(networking: Networking, { kept, present, error }: Unkept): Settled {
  const failure = toFailure(error);
  const reason = `its ranges could not be written down: ${failure.reason}`;
  const isSafe = ({ name, subnet4, subnet6 }: NetworkSpec): boolean =>
    [kept[name], present.find((network) => network.name === name)].some(
      (before) => before?.subnet4 === subnet4 && before.subnet6 === subnet6,
    );
  const lacking = networking.networks.filter((network) => !isSafe(network)).map(({ name }) => ({ name, reason }));
  return {
    networking: {
      ...networking,
      networks: networking.networks.filter(isSafe),
      lacking: [...(networking.lacking ?? []), ...lacking],
    },
    failure: { ...failure, reason: `cannot write down the ranges of networks: ${failure.reason}` },
  };
}

/** @returns a unique local range of this node's own (RFC 4193), the same on every start. */
export function ownRange6(nodeName: string): string {
  const id = createHash('sha256').update(`holdfast/${nodeName}`).digest().subarray(0, 5);
  const first = BigInt(`0xfd${id.toString('hex')}`) << 80n;
  return formatSubnet({ family: 6, first, prefixLength: 48 });
}
