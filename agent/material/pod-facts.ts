import { createHash } from 'node:crypto';
import { allContainers, type Container, type PodField, type StringMap, type Workload } from '../../manifests/index.ts';
import { replicaOf } from '../reconcile/pod-id.ts';

/** What a pod can be told of itself. */
export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly nodeName: string;
  readonly containers: readonly Container[];
}

/** @returns the facts of one pod. A Deployment's pods are told apart by replica and the pod's id. */
export function podFacts(workload: Workload, podId: string, nodeName: string): PodFacts {
  const { kind, namespace, name, labels, annotations, pod } = workload;
  const suffix = kind === 'Pod' ? '' : `-${podId.slice(podId.lastIndexOf('_') + 1)}-${replicaOf(podId)}`;
  const digest = createHash('sha256').update(podId).digest('hex');
  // In the form of a UUID, the same on every run (RFC 9562, version 8).
  const uid = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`];
  return {
    name: `${name}${suffix}`,
    namespace,
    uid: [...uid, digest.slice(20, 32)].join('-'),
    labels,
    annotations,
    nodeName,
    containers: allContainers(pod),
  };
}

/** @returns the text of a field; empty for a label or annotation that is not there, as in Kubernetes. */
export function fieldText(field: PodField, facts: PodFacts): string {
  if (field.type === 'resource') return resourceText(field, facts);
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(field.fieldPath) ?? [];
  if (map !== undefined && key !== undefined) {
    const entries = map === 'labels' ? facts.labels : facts.annotations;
    return Object.hasOwn(entries, key) ? (entries[key] ?? '') : '';
  }
  switch (field.fieldPath) {
    case 'metadata.name':
      return facts.name;
    case 'metadata.namespace':
      return facts.namespace;
    case 'metadata.uid':
      return facts.uid;
    case 'spec.nodeName':
      return facts.nodeName;
    case 'metadata.labels':
      return lines(facts.labels);
    default:
      return lines(facts.annotations);
  }
}

/** One entry a line, its value in quotes, as kubelet writes them. */
function lines(entries: StringMap): string {
  const sorted = Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return sorted.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
}

function resourceText(
  { container, resource, divisor }: Extract<PodField, { type: 'resource' }>,
  { containers }: PodFacts,
): string {
  const resources = containers.find(({ name }) => name === container)?.resources;
  const amounts = resource.startsWith('limits.') ? resources?.limits : resources?.requests;
  const amount = (resource.endsWith('.cpu') ? amounts?.cpuMillis : amounts?.memoryBytes) ?? 0;
  return String(Math.ceil(amount / divisor));
}
