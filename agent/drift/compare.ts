import type { WorkloadKey } from '../../manifests/index.ts';
import type { Limits } from '../../native/index.ts';
import { runs } from '../reconcile/availability.ts';
import { describeLimit, differingLimits } from '../reconcile/limits.ts';
import { podId } from '../reconcile/pod-id.ts';
import { findContainer, hasBegun, hasCompleted, isComplete, startOrder } from '../reconcile/start-order.ts';
import type {
  DesiredState,
  DesiredWorkload,
  ObservedPod,
  ObservedState,
  PodContainer,
  Version,
} from '../reconcile/state.ts';
import { describeExit } from '../reconcile/upkeep.ts';

/** One way in which the node is not what the signed desired state says, though nobody asked for a change. Plain JSON. */
export interface Drift {
  /** Empty for what belongs to no workload. */
  readonly workload: WorkloadKey | '';
  readonly pod: string;
  /** What differs: `containers[web].state`, `containers[web].resources.limits.memory`, `pod`, `cgroup`. */
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
  /** `healed` when the planner puts it right, `reported` when a policy or a failure keeps it from doing so. */
  readonly action: 'healed' | 'reported' | 'frozen';
}

/**
 * Compares what the kernel has with the version each workload is known to have run well at. A version still being rolled
 * out is no drift: its absence is work, not a surprise.
 */
export function compare(desired: DesiredState, observed: ObservedState): readonly Drift[] {
  const workloads = desired.workloads.flatMap((workload) => compareWorkload(workload, observed.pods));
  const strangers = observed.strangers.map(
    ({ id, pids }): Drift => ({
      workload: '',
      pod: id,
      field: 'cgroup',
      desired: 'absent',
      observed: `${pids.length} processes`,
      action: 'healed',
    }),
  );
  const networks = (observed.networks ?? []).flatMap(({ name, differences = [] }) =>
    differences.map(
      ({ field, expected, found }): Drift => ({
        ...{ workload: '', pod: name, field: `network.${field}`, desired: expected, observed: found },
        action: 'healed',
      }),
    ),
  );
  return [...workloads, ...strangers, ...networks];
}

function compareWorkload(desired: DesiredWorkload, allPods: readonly ObservedPod[]): readonly Drift[] {
  const { key, wanted, lastGood } = desired;
  const pods = allPods.filter((pod) => pod.key === key);
  if (lastGood === null) return [];
  const { version, verdict } = lastGood;
  const action = verdict.decision === 'deny' ? 'reported' : 'healed';
  const next = wanted.state === 'judged' && wanted.verdict.decision !== 'deny' ? wanted.version : version;
  const known = pods.filter((pod) => pod.identity === version.identity);
  // Replicas that the next version does not want any more are no loss; all of them, when it is another one.
  const replicas = next.identity === version.identity ? Math.min(version.workload.replicas, next.workload.replicas) : 0;
  const standIns = pods.filter((pod) => pod.identity !== version.identity && runs(pod)).length;
  return [
    ...missingPods(version, { replicas, known, key, action }).slice(standIns),
    ...known.flatMap((pod) => comparePod(pod, version, action)),
    ...foreignPods(desired, pods),
  ];
}

/** Pods of a version that neither Git nor the last good state knows, nor wanted before: a changed spec. */
function foreignPods({ wanted, lastGood, former }: DesiredWorkload, pods: readonly ObservedPod[]): readonly Drift[] {
  if (wanted.state !== 'judged') return [];
  const identities = new Set([wanted.version.identity, ...(lastGood === null ? [] : [lastGood.version.identity])]);
  return pods
    .filter((pod) => !identities.has(pod.identity) && !former.includes(pod.identity))
    .map(({ key, id, identity }) => ({
      workload: key,
      pod: id,
      field: 'spec',
      desired: [...identities].join(' or '),
      observed: identity,
      action: 'healed',
    }));
}

interface Replicas {
  readonly replicas: number;
  readonly known: readonly ObservedPod[];
  readonly key: WorkloadKey;
  readonly action: Drift['action'];
}

function missingPods(version: Version, { replicas, known, key, action }: Replicas): readonly Drift[] {
  const wanted = Array.from({ length: replicas }, (_, replica) => replica);
  const missing = wanted.filter((replica) => !known.some((pod) => pod.replica === replica));
  return missing.map((replica) => ({
    workload: key,
    pod: podId(version.workload, replica, version.identity),
    field: 'pod',
    desired: 'running',
    observed: 'missing',
    action,
  }));
}

function comparePod(pod: ObservedPod, version: Version, action: Drift['action']): readonly Drift[] {
  const drift = (field: string, desired: string, observed: string): Drift => ({
    workload: pod.key,
    pod: pod.id,
    field,
    desired,
    observed,
    action,
  });
  if (pod.state === 'dead') return [drift('pod', 'running', 'dead')];
  if (hasCompleted(pod, version)) return [];
  const files = (pod.staleFiles ?? []).filter(({ state }) => state !== 'outdated');
  return [
    ...(pod.differences ?? []).map(({ field, expected, found }) => drift(`network.${field}`, expected, found)),
    ...files.map(({ volume, state }) => drift(`volumes[${volume}].files`, 'as in Git', state)),
    ...compareContainers(pod, version, drift),
  ];
}

function compareContainers(
  pod: ObservedPod,
  version: Version,
  drift: (field: string, desired: string, observed: string) => Drift,
): readonly Drift[] {
  const order = startOrder(version.workload.pod);
  const isOnItsWay = order.some(({ role }) => role === 'init') && !hasBegun(pod, version);
  return order.flatMap(({ container: { name }, role }) => {
    // An init container that runs, waits or is tried again is a pod on its way.
    if (role === 'init') return [];
    const field = `${role === 'main' ? 'containers' : 'initContainers'}[${name}]`;
    const container = findContainer(pod, name);
    if (!container) return isOnItsWay ? [] : [drift(`${field}.state`, 'running', 'missing')];
    if (container.state === 'exited') {
      return isComplete(container, role, version) ? [] : [drift(`${field}.state`, 'running', describeExit(container))];
    }
    const paused = container.state === 'paused' ? [drift(`${field}.state`, 'running', 'paused')] : [];
    return [...paused, ...compareProfile(container, field, drift), ...compareLimits(container, field, drift)];
  });
}

/** Where a manifest has each limit, below a container. */
const LIMIT_FIELDS: { readonly [Limit in keyof Required<Limits>]: string } = {
  memoryBytes: 'resources.limits.memory',
  cpuMillis: 'resources.limits.cpu',
  pids: 'resources.limits.pids',
  memoryHighBytes: 'resources.limits.memoryHigh',
  swapBytes: 'resources.limits.swap',
  cpuShares: 'resources.requests.cpu',
  cpus: 'cpuset.cpus',
  mems: 'cpuset.mems',
  ioWeight: 'resources.requests.ioWeight',
  ioDevices: 'io.devices',
  hugepages: 'resources.limits.hugepages',
};

/** The file is the node's, not Git's: what runs goes on under the filter it was started with, and the next start takes the new one. */
function compareProfile(
  { seccomp }: PodContainer,
  path: string,
  drift: (field: string, desired: string, observed: string) => Drift,
): readonly Drift[] {
  if (seccomp === null || seccomp.now === seccomp.started) return [];
  const found = drift(`${path}.securityContext.seccompProfile`, seccomp.now ?? 'missing', seccomp.started);
  return [{ ...found, action: 'reported' }];
}

function compareLimits(
  { kernel, expected }: PodContainer,
  path: string,
  drift: (field: string, desired: string, observed: string) => Drift,
): readonly Drift[] {
  if (kernel === null) return [];
  return differingLimits(kernel, expected).map((limit) =>
    drift(`${path}.${LIMIT_FIELDS[limit]}`, describeLimit(expected[limit]), describeLimit(kernel[limit])),
  );
}
