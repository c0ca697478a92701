import {
  allContainers,
  hasLabels,
  MOST_ON_A_NODE,
  type NetworkPolicy,
  type PolicyPeer,
  type PolicyPort,
  type PolicyRule,
  type Service,
  type StringMap,
  selects,
  type Workload,
} from '../../../manifests/index.ts';
import type {
  AllowedTraffic,
  PortRange,
  SandboxGuard,
  ServiceSpec,
  TrafficDirection,
  TrafficRules,
} from '../../../native/index.ts';
import { runnableVersion } from '../runnable-version.ts';
import { findContainer } from '../start-order.ts';
import type { DesiredState, DesiredWorkload, ObservedPod, ObservedState } from '../state.ts';
import { blockRanges } from './block-ranges.ts';
import { guardsOf, type Networking, networksOf } from './networking.ts';
import { weightOfPermission, weightOfService } from './traffic-weight.ts';

const LAST_PORT = 65_535;

/** A pod on networks, with what its workload says of it. */
interface Member {
  readonly pod: ObservedPod;
  readonly workload: Workload;
}

/** Traffic rules, and what of Git's they leave out. */
export interface DesiredTraffic {
  readonly rules: TrafficRules;
  /**
   * Policies and services that would be more than the kernel is to hold, as `NetworkPolicy shop/web`. The pods of such a
   * policy stay guarded, and are allowed nothing by it. Commits that come to this by themselves are refused before.
   */
  readonly unheld: readonly string[];
}

/**
 * What the node has to hold for the pods that are there: guards and permissions of the policies, and the services' ready
 * backends. A pod whose workload has left Git keeps the guards it has, and is allowed nothing more. Sorted throughout.
 */
export function desiredTraffic(desired: DesiredState, networking: Networking, observed: ObservedState): DesiredTraffic {
  const workloads = new Map(desired.workloads.map((workload) => [workload.key, workload]));
  const onNetworks = observed.pods
    .filter(({ addresses }) => (addresses ?? []).length > 0)
    .toSorted((a, b) => compareText(a.id, b.id));
  const members = onNetworks.flatMap((pod): readonly Member[] => {
    const wanted = workloads.get(pod.key);
    return wanted ? [{ pod, workload: workloadOf(wanted, pod) }] : [];
  });
  const leaving = onNetworks.filter(({ key }) => !workloads.has(key));
  const kept = leaving.flatMap(({ id }) => observed.traffic?.guards.filter(({ sandbox }) => sandbox === id) ?? []);
  const applied = new Set(observed.traffic?.guards.map(({ sandbox }) => sandbox));
  // A pod that no policy speaks of is named only to be rid of what it was born with.
  const guards = members
    .map(({ pod, workload }) => ({ pod, directions: guardsOf(networking, workload) }))
    .filter(({ pod, directions }) => directions.length + (pod.guards ?? []).length > 0 || applied.has(pod.id))
    .map(({ pod, directions }): SandboxGuard => ({ sandbox: pod.id, directions }));
  const allowed = withinBounds(networking.policies, MOST_ON_A_NODE.permissions, weightOfPermission, (policy) =>
    allowedBy(policy, members),
  );
  const services = withinBounds(networking.services, MOST_ON_A_NODE.servicePorts, weightOfService, (service) =>
    serviceOf(service, { desired, networking, members }),
  );
  return {
    rules: {
      guards: [...guards, ...kept].sort((a, b) => compareText(a.sandbox, b.sandbox)),
      allowed: allowed.held,
      services: services.held,
    },
    unheld: [...allowed.unheld, ...services.unheld],
  };
}

/** Each as a whole or not at all, in their order: half of a policy would be another one. */
function withinBounds<From extends NetworkPolicy | Service, Rule>(
  each: readonly From[],
  most: number,
  weightOf: (rule: Rule) => number,
  rulesOf: (from: From) => readonly Rule[],
): { readonly held: readonly Rule[]; readonly unheld: readonly string[] } {
  const held: Rule[] = [];
  const unheld: string[] = [];
  let sum = 0;
  for (const from of each) {
    const rules = rulesOf(from);
    const weight = rules.reduce((total, rule) => total + weightOf(rule), 0);
    if (sum + weight > most) {
      unheld.push(`${from.kind} ${from.namespace}/${from.name}`);
      continue;
    }
    sum += weight;
    held.push(...rules);
  }
  return { held, unheld };
}

function workloadOf(desired: DesiredWorkload, pod: ObservedPod): Workload {
  const version = runnableVersion(desired, pod.identity) ?? desired.lastGood?.version;
  return version?.workload ?? desired.workload;
}

function allowedBy(policy: NetworkPolicy, members: readonly Member[]): readonly AllowedTraffic[] {
  const subjects = members.filter(
    ({ workload }) => workload.namespace === policy.namespace && selects(policy.podSelector, workload.labels),
  );
  if (subjects.length === 0) return [];
  return (['ingress', 'egress'] as const).flatMap((direction) =>
    (policy[direction] ?? []).flatMap((rule) => allowedByRule(rule, { direction, policy, subjects, members })),
  );
}

interface RuleGround {
  readonly direction: TrafficDirection;
  readonly policy: NetworkPolicy;
  readonly subjects: readonly Member[];
  readonly members: readonly Member[];
}

function allowedByRule({ peers, ports }: PolicyRule, ground: RuleGround): readonly AllowedTraffic[] {
  const { direction, policy, subjects, members } = ground;
  const chosen = peers && {
    pods: members.filter((member) => peers.some((peer) => isPeer(peer, policy.namespace, member))),
    ranges: peers.flatMap((peer) => (peer.type === 'block' ? blockRanges(peer.cidr, peer.except) : [])),
  };
  if (chosen && chosen.pods.length + chosen.ranges.length === 0) return [];
  const base = {
    direction,
    subjects: idsOf(subjects),
    peers: chosen && { sandboxes: idsOf(chosen.pods), ranges: chosen.ranges },
  };
  if (ports === null) return [{ ...base, ports: null }];
  const numbered = ports.filter(({ port }) => typeof port !== 'string').map(numbers);
  const plain: readonly AllowedTraffic[] = numbered.length === 0 ? [] : [{ ...base, ports: numbered }];
  const named = ports.filter(({ port }) => typeof port === 'string');
  if (named.length === 0) return plain;
  // A name means a port of the pod that is connected to, and may mean another one in each.
  const targets = direction === 'ingress' ? subjects : (chosen?.pods ?? members);
  return [
    ...plain,
    ...alike(targets, named).map(({ members: same, ports: found }): AllowedTraffic => {
      const own =
        direction === 'ingress' ? { subjects: idsOf(same) } : { peers: { sandboxes: idsOf(same), ranges: [] } };
      return { ...base, ...own, ports: found };
    }),
  ];
}

/** Pods for which the names mean the same ports take one rule together: there are as many as kinds of pods, not as pods. */
function alike(
  targets: readonly Member[],
  named: readonly PolicyPort[],
): readonly { readonly members: readonly Member[]; readonly ports: readonly PortRange[] }[] {
  const groups = new Map<string, { readonly members: Member[]; readonly ports: readonly PortRange[] }>();
  for (const target of targets) {
    const ports = named.flatMap(({ protocol, port }) => portsNamed(target, protocol, String(port)));
    if (ports.length === 0) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { members: [], ports };
    group.members.push(target);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function isPeer(peer: PolicyPeer, namespace: string, { workload }: Member): boolean {
  if (peer.type === 'block' || !selects(peer.podSelector, workload.labels)) return false;
  return peer.namespaceSelector === null
    ? workload.namespace === namespace
    : selects(peer.namespaceSelector, namespaceLabels(workload.namespace));
}

/** There are no Namespace objects: a namespace has the one label that Kubernetes gives each. */
function namespaceLabels(namespace: string): StringMap {
  return { 'kubernetes.io/metadata.name': namespace };
}

function numbers({ protocol, port, endPort }: PolicyPort): PortRange {
  const first = typeof port === 'number' ? port : 1;
  return { protocol: lower(protocol), first, last: endPort ?? (port === null ? LAST_PORT : first) };
}

function portsNamed({ workload }: Member, protocol: 'TCP' | 'UDP', name: string): readonly PortRange[] {
  return allContainers(workload.pod)
    .flatMap(({ ports }) => ports)
    .filter((port) => port.name === name && port.protocol === protocol)
    .map(({ containerPort }) => ({ protocol: lower(protocol), first: containerPort, last: containerPort }));
}

interface ServiceGround {
  readonly desired: DesiredState;
  readonly networking: Networking;
  readonly members: readonly Member[];
}

/** On the networks of the workloads it selects; a service of none of this node's is not known here. */
function serviceOf(service: Service, { desired, networking, members }: ServiceGround): readonly ServiceSpec[] {
  const { namespace, name, selector, isHeadless, hasUnreadyPods } = service;
  const isSelected = (workload: Workload): boolean =>
    workload.namespace === namespace && hasLabels(workload.labels, selector);
  const chosen = members.filter(({ workload }) => isSelected(workload));
  const known = new Set(networking.networks.map((network) => network.name));
  const workloads = [
    ...desired.workloads.map(({ workload }) => workload).filter(isSelected),
    ...chosen.map(({ workload }) => workload),
  ];
  const networks = new Set(workloads.map(networksOf).flatMap((on) => (typeof on === 'string' ? [] : on)));
  const present = [...networks].filter((network) => known.has(network)).sort();
  if (present.length === 0) return [];
  const ready = chosen.filter((member) => hasUnreadyPods || isServing(member));
  return [
    {
      name: `${namespace}_${name}`,
      names: [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`],
      networks: present,
      isHeadless,
      ports: service.ports.map(({ protocol, port }) => ({ protocol: lower(protocol), port })),
      backends: ready.map((member) => ({
        sandbox: member.pod.id,
        ports: service.ports.map(({ protocol, targetPort }) =>
          typeof targetPort === 'number' ? targetPort : (portsNamed(member, protocol, targetPort)[0]?.first ?? null),
        ),
      })),
    },
  ];
}

/** Every main container runs. */
function isServing({ pod, workload }: Member): boolean {
  return (
    pod.state === 'ready' && workload.pod.containers.every(({ name }) => findContainer(pod, name)?.state === 'running')
  );
}

function idsOf(members: readonly Member[]): readonly string[] {
  return members.map(({ pod }) => pod.id);
}

function lower(protocol: 'TCP' | 'UDP'): 'tcp' | 'udp' {
  return protocol === 'TCP' ? 'tcp' : 'udp';
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
