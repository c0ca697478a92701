import { NETWORKS_ANNOTATION } from './kinds/pod-network.ts';
import { type LocatedResource, type LocatedWorkload, locate, type Problem, placeOf } from './origin.ts';
import type { Network } from './resource.ts';
import { nearest } from './text/nearest.ts';
import { quoted } from './text/quoted.ts';
import { hostPortsOf, isSameHostPort } from './values/host-ports.ts';
import { hasLabels } from './values/label-selector.ts';
import { parseSubnet, subnetsOverlap } from './values/subnet.ts';
import { type Workload, workloadKey } from './workload.ts';

/** @returns what is wrong between workloads and networks that are each right, for whatever nodes there are. */
export function networkProblems(
  workloads: readonly LocatedWorkload[],
  resources: readonly LocatedResource[],
): readonly Problem[] {
  const networks = resources.flatMap(({ resource, origin }) =>
    resource.kind === 'Network' ? [{ network: resource, origin }] : [],
  );
  return [
    ...workloads.flatMap((located) =>
      unknownNetworks(
        located,
        networks.map(({ network }) => network),
      ),
    ),
    ...workloads.flatMap(longHostname),
    ...networks.flatMap((located, index) => overlaps(located, networks.slice(0, index))),
    ...clashes(workloads, meetForCertain),
  ];
}

/** @returns ports of a node that two of its workloads ask for. */
export function hostPortProblems(workloads: readonly LocatedWorkload[]): readonly Problem[] {
  return clashes(workloads, () => true);
}

function unknownNetworks({ workload, origin }: LocatedWorkload, networks: readonly Network[]): readonly Problem[] {
  const { networks: chosen } = workload.pod;
  if (chosen === null || chosen === 'none') return [];
  const known = networks.filter(({ namespace }) => namespace === workload.namespace).map(({ name }) => name);
  return chosen
    .filter((name) => name !== 'default' && !known.includes(name))
    .map((name) => {
      const meant = nearest(name, known);
      const hint = meant === null ? 'add a `Network` of that name' : `did you mean ${quoted(meant)}?`;
      const path = annotationPath({ workload, origin });
      const message = `namespace ${quoted(workload.namespace)} has no network ${quoted(name)}; ${hint}`;
      return { ...placeOf(origin, path), path, message };
    });
}

/** What the kernel takes for a host name; only one that was put together can be longer. */
const LONGEST_HOSTNAME = 64;

function longHostname({ workload, origin }: LocatedWorkload): readonly Problem[] {
  const { hostname } = workload.pod;
  if (hostname.length <= LONGEST_HOSTNAME) return [];
  const message = `makes the host name ${quoted(hostname)}, which has more than ${LONGEST_HOSTNAME} characters; shorten \`hostname\` or \`subdomain\``;
  return [{ ...locate(origin, 'setHostnameAsFQDN'), message }];
}

/** A Deployment's template has the last word, where it has one. */
function annotationPath({ origin }: LocatedWorkload): string {
  const metadata = origin.podPath.replace(/spec$/, 'metadata');
  const path = `${metadata}.annotations["${NETWORKS_ANNOTATION}"]`;
  return origin.positions[path] ? path : `metadata.annotations["${NETWORKS_ANNOTATION}"]`;
}

interface LocatedNetwork {
  readonly network: Network;
  readonly origin: LocatedResource['origin'];
}

function overlaps({ network, origin }: LocatedNetwork, before: readonly LocatedNetwork[]): readonly Problem[] {
  return before
    .filter(({ network: other }) => isOverlapping(network, other))
    .map(({ network: other, origin: where }) => {
      const { file, line } = placeOf(where, 'spec.subnets');
      const path = 'spec.subnets';
      const message = `overlaps the ranges of network ${quoted(`${other.namespace}/${other.name}`)} in ${file}:${line}; choose another`;
      return { ...placeOf(origin, path), path, message };
    });
}

function isOverlapping(a: Network, b: Network): boolean {
  const ranges = (network: Network) =>
    [network.subnet4, network.subnet6].flatMap((text) => (text === null ? [] : (parseSubnet(text) ?? [])));
  return ranges(a).some((mine) => ranges(b).some((theirs) => subnetsOverlap(mine, theirs)));
}

function clashes(
  workloads: readonly LocatedWorkload[],
  mayMeet: (a: Workload, b: Workload) => boolean,
): readonly Problem[] {
  const taken: { readonly located: LocatedWorkload; readonly port: ReturnType<typeof hostPortsOf>[number] }[] = [];
  const problems: Problem[] = [];
  for (const located of workloads) {
    if (located.workload.replicas === 0) continue;
    for (const port of hostPortsOf(located.workload.pod)) {
      const owner = taken.find(
        (other) =>
          other.located !== located &&
          isSameHostPort(other.port, port) &&
          mayMeet(other.located.workload, located.workload),
      );
      taken.push({ located, port });
      if (!owner) continue;
      const { file, line } = locate(owner.located.origin, owner.port.path);
      const what = `${port.protocol} port ${port.hostPort} of the node`;
      const message = `${what} is taken by workload ${quoted(workloadKey(owner.located.workload))} in ${file}:${line}; choose another`;
      problems.push({ ...locate(located.origin, port.path), message });
    }
  }
  return problems;
}

/** Wherever one of them runs, the other does too. */
function meetForCertain(a: Workload, b: Workload): boolean {
  return hasLabels(a.nodeSelector, b.nodeSelector) || hasLabels(b.nodeSelector, a.nodeSelector);
}
