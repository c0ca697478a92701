import { type LocatedResource, type LocatedWorkload, type Problem, placeOf } from './origin.ts';
import type { NetworkPolicy, PolicyRule, Service } from './resource.ts';
import { quoted } from './text/quoted.ts';

/**
 * What the policies and services that meet on one node may come to, all together. The kernel looks through all of it for
 * every new connection, so more would be a slip.
 */
export const MOST_ON_A_NODE = { permissions: 8_192, servicePorts: 4_096 } as const;

/** @returns what is too much in one namespace: wherever any of its workloads runs, all of it is held. */
export function trafficProblems(resources: readonly LocatedResource[]): readonly Problem[] {
  const namespaces = [...new Set(resources.map(({ resource }) => resource.namespace))];
  return namespaces.flatMap((namespace) =>
    problemsOf(resources, new Set([namespace]), `namespace ${quoted(namespace)}`),
  );
}

/** @returns what is too much on a node with these workloads. */
export function nodeTrafficProblems(
  workloads: readonly LocatedWorkload[],
  resources: readonly LocatedResource[],
): readonly Problem[] {
  const namespaces = new Set(workloads.map(({ workload }) => workload.namespace));
  return problemsOf(resources, namespaces, 'this node');
}

function problemsOf(
  resources: readonly LocatedResource[],
  namespaces: ReadonlySet<string>,
  where: string,
): readonly Problem[] {
  const own = resources.filter(({ resource }) => namespaces.has(resource.namespace));
  const rules = own.flatMap(({ resource, origin }) =>
    resource.kind === 'NetworkPolicy' ? rulesOf(resource).map((rule) => ({ ...rule, origin })) : [],
  );
  const services = own.flatMap(({ resource, origin }) =>
    resource.kind === 'Service' ? [{ weight: weightOfService(resource), path: 'spec.ports', origin }] : [],
  );
  const { permissions, servicePorts } = MOST_ON_A_NODE;
  return [
    ...excess(
      rules,
      permissions,
      (most, sum) =>
        `the policies of ${where} come to ${sum} permissions (each kind of peer with each port counts) up to here; at most ${most} fit: name ranges of ports with \`endPort\`, or larger \`ipBlock\`s`,
    ),
    ...excess(
      services,
      servicePorts,
      (most, sum) => `the services of ${where} have ${sum} ports up to here; at most ${most} fit: remove some`,
    ),
  ];
}

interface Weighed {
  readonly weight: number;
  readonly path: string;
  readonly origin: LocatedResource['origin'];
}

/** The first with which it becomes too much: those after it are told of once that is mended. */
function excess(
  each: readonly Weighed[],
  most: number,
  message: (most: number, sum: number) => string,
): readonly Problem[] {
  let sum = 0;
  for (const { weight, path, origin } of each) {
    sum += weight;
    if (sum > most) return [{ ...placeOf(origin, path), path, message: message(most, sum) }];
  }
  return [];
}

function rulesOf({ ingress, egress }: NetworkPolicy): readonly Omit<Weighed, 'origin'>[] {
  const of = (direction: 'ingress' | 'egress', rules: readonly PolicyRule[] | null) =>
    (rules ?? []).map((rule, index) => ({ weight: weightOfRule(rule), path: `spec.${direction}[${index}]` }));
  return [...of('ingress', ingress), ...of('egress', egress)];
}

/** Pods count for both families of addresses, a block for its own, with one range more for each exception. */
function weightOfRule({ peers, ports }: PolicyRule): number {
  const families = 2;
  const pods = peers === null || peers.some(({ type }) => type === 'pods') ? families : 0;
  const ranges = (peers ?? []).reduce((sum, peer) => sum + (peer.type === 'block' ? 1 + peer.except.length : 0), 0);
  return (pods + ranges) * (ports?.length ?? 1);
}

function weightOfService({ ports }: Service): number {
  return Math.max(1, ports.length);
}
