import { canonicalJson } from '../../../manifests/index.ts';
import type { NetworkSpec } from '../../../native/index.ts';
import { backingOff, CLEANUP, combine, type Draft, nothing, steps, waiting } from '../draft.ts';
import type { Step } from '../plan.ts';
import type { DesiredState, ObservedState, PlanContext, Version } from '../state.ts';
import { desiredTraffic } from './desired-traffic.ts';
import { networksOf } from './networking.ts';

/** Makes the networks of a version's pods that are not there, or not whole. */
export function ensureNetworks(version: Version, observed: ObservedState, { networking }: PlanContext): Draft {
  const { namespace, name } = version.workload;
  const networks = networksOf(version.workload);
  if (networking === undefined || typeof networks === 'string') return nothing;
  const missing = networking.networks.filter(
    (network) => networks.includes(network.name) && !isThere(network, observed),
  );
  return steps(
    ...missing.map(
      (network): Step => ({
        kind: 'create-network',
        workload: `${namespace}/${name}`,
        identity: version.identity,
        network,
        reason: observed.networks?.some((other) => other.name === network.name)
          ? 'it is not as it should be'
          : 'wanted and not there',
      }),
    ),
  );
}

function isThere(network: NetworkSpec, { networks = [] }: ObservedState): boolean {
  return networks.some(
    ({ name, state, subnet4, subnet6, isOutbound }) =>
      name === network.name &&
      state === 'ready' &&
      subnet4 === network.subnet4 &&
      subnet6 === network.subnet6 &&
      isOutbound === network.isOutbound,
  );
}

/** Has the node hold what Git says of the pods that are there, and removes networks that nobody needs. */
export function planNetworks(desired: DesiredState, observed: ObservedState, context: PlanContext): Draft {
  const { networking } = context;
  const { networks = [], traffic } = observed;
  if (networking === undefined || traffic === undefined || networks.length === 0) return nothing;
  const wanted = new Set([...networking.networks, ...(networking.lacking ?? [])].map(({ name }) => name));
  const used = new Set(observed.pods.flatMap(({ addresses = [] }) => addresses.map(({ network }) => network)));
  const removed = networks
    .filter(({ name }) => !wanted.has(name) && !used.has(name))
    .map(({ name }): Step => ({ kind: 'remove-network', workload: '', name, reason: 'no pod needs it any more' }));
  const { rules, unheld } = desiredTraffic(desired, networking, observed);
  const isHeld = canonicalJson(rules) === canonicalJson(traffic) || removed.length === networks.length;
  const apply: Step = { kind: 'apply-traffic', workload: '', rules, reason: 'pods, services or policies changed' };
  const list = [...(isHeld ? [] : [apply]), ...removed];
  const excess = unheld.map((what) => waiting('', `${what} is more than this node can hold, and is not held`, null));
  if (list.length === 0) return combine(...excess);
  const attempt = backingOff('', CLEANUP, context);
  return attempt
    ? waiting('', `changing networks failed: ${attempt.failure.reason}`, attempt.retryAt)
    : combine(steps(...list), ...excess);
}
