import {
  hostPortsOf,
  type LocatedResource,
  type Network,
  type NetworkPolicy,
  type Service,
  type StringMap,
  selects,
  type Workload,
} from '../../../manifests/index.ts';
import type { NetworkSpec, TrafficDirection } from '../../../native/index.ts';

/** What Git and the node say of networks: each with its ranges, and who may talk to whom on them. */
export interface Networking {
  readonly networks: readonly NetworkSpec[];
  /** Networks that are needed and cannot be made now: what is on them waits, and nothing else does. */
  readonly lacking?: readonly LackingNetwork[];
  readonly services: readonly Service[];
  readonly policies: readonly NetworkPolicy[];
}

/** A network that has no range. */
export interface LackingNetwork {
  readonly name: string;
  /** Why, for people. */
  readonly reason: string;
}

/** Where a pod is on: the node's own network, loopback alone, or networks of its namespace in this order. */
export type PodNetworks = 'host' | 'none' | readonly string[];

/** A network as the commit describes it, before it has its ranges. */
export interface WantedNetwork {
  readonly name: string;
  readonly subnet4: string | null;
  readonly subnet6: string | null;
  readonly isOutbound: boolean;
}

/** A workload as Git has it, and as it ran well before. */
interface WorkloadVersions {
  readonly workload: Workload;
  readonly lastGood: { readonly version: { readonly workload: Workload } } | null;
}

const DEFAULT = 'default';

/** @returns the node's name of a network of a namespace. Neither part has an underscore. */
export function networkName(namespace: string, name: string): string {
  return `${namespace}_${name}`;
}

/** @returns the networks of a workload's pods, by their names on the node. */
export function networksOf({ namespace, pod }: Pick<Workload, 'namespace' | 'pod'>): PodNetworks {
  if (pod.hostNetwork) return 'host';
  if (pod.networks === 'none') return 'none';
  return (pod.networks ?? [DEFAULT]).map((name) => networkName(namespace, name));
}

/**
 * @returns the networks that the workloads of this node need, wanted or last good, sorted by name. One that only a last good
 * version is on, and that the commit says nothing of any more, has a way out only if it had one before.
 */
export function wantedNetworks(
  workloads: readonly WorkloadVersions[],
  resources: readonly LocatedResource[],
  before: Readonly<Record<string, Pick<WantedNetwork, 'isOutbound'>>>,
): readonly WantedNetwork[] {
  const described = new Map<string, Network>();
  for (const { resource } of resources)
    if (resource.kind === 'Network') described.set(networkName(resource.namespace, resource.name), resource);
  const wanted = new Set(namesOf(workloads.map(({ workload }) => workload)));
  const good = namesOf(workloads.flatMap(({ lastGood }) => (lastGood ? [lastGood.version.workload] : [])));
  return [...new Set([...wanted, ...good])].sort().map((name) => {
    const wasOutbound = wanted.has(name) || (Object.hasOwn(before, name) && before[name]?.isOutbound === true);
    const { subnet4 = null, subnet6 = null, isOutbound = wasOutbound } = described.get(name) ?? {};
    return { name, subnet4, subnet6, isOutbound };
  });
}

function namesOf(workloads: readonly Pick<Workload, 'namespace' | 'pod'>[]): readonly string[] {
  return workloads.map(networksOf).flatMap((networks) => (typeof networks === 'string' ? [] : networks));
}

/** @returns the services and policies of the namespaces that this node has workloads of. */
export function namespacedRules(
  workloads: readonly Pick<WorkloadVersions, 'workload'>[],
  resources: readonly LocatedResource[],
): Pick<Networking, 'services' | 'policies'> {
  const namespaces = new Set(workloads.map(({ workload }) => workload.namespace));
  const all = resources.map(({ resource }) => resource).filter(({ namespace }) => namespaces.has(namespace));
  return {
    services: all.filter((resource) => resource.kind === 'Service'),
    policies: all.filter((resource) => resource.kind === 'NetworkPolicy'),
  };
}

/** @returns the directions in which policies allow a pod with these labels only what they name. */
export function guardsOf(
  { policies }: Pick<Networking, 'policies'>,
  { namespace, labels }: { readonly namespace: string; readonly labels: StringMap },
): readonly TrafficDirection[] {
  const own = policies.filter((policy) => policy.namespace === namespace && selects(policy.podSelector, labels));
  return (['ingress', 'egress'] as const).filter((direction) => own.some((policy) => policy[direction] !== null));
}

/** @returns why pods of a workload cannot be made now: a network of theirs cannot; null when they can. */
export function lackOf(
  { lacking = [] }: Pick<Networking, 'lacking'>,
  workload: Pick<Workload, 'namespace' | 'pod'>,
): string | null {
  const networks = networksOf(workload);
  const found = lacking.find(({ name }) => networks !== 'host' && networks !== 'none' && networks.includes(name));
  return found === undefined ? null : `network ${found.name}: ${found.reason}`;
}

/** Two pods cannot have the same port of the node: the old one goes before the new one comes. */
export function takesHostPorts({ workload }: { readonly workload: Workload }): boolean {
  return hostPortsOf(workload.pod).length > 0;
}
