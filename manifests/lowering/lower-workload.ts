import type { WrittenDeployment } from '../kinds/deployment.ts';
import type { WrittenPod } from '../kinds/pod.ts';
import type { Workload } from '../workload.ts';
import { lowerPodSpec } from './lower-pod-spec.ts';
import { lowerMetadata } from './lower-resource.ts';
import { lowerStrategy } from './lower-strategy.ts';

/** @returns what a Pod means: one pod, never updated beside the one it replaces. */
export function lowerPod({ metadata, spec }: WrittenPod): Workload {
  const own = lowerMetadata(metadata);
  return {
    kind: 'Pod',
    ...own,
    nodeSelector: spec.nodeSelector ?? {},
    replicas: 1,
    update: lowerStrategy({ type: 'Recreate' }, { replicas: 1, minReadySeconds: 0 }),
    pod: lowerPodSpec(spec, own),
  };
}

/** @returns what a Deployment means. Labels and annotations of its template are added to its own, and win. */
export function lowerDeployment({ metadata, spec }: WrittenDeployment): Workload {
  const { replicas = 1, minReadySeconds = 0, template } = spec;
  const own = lowerMetadata(metadata);
  const annotations = { ...own.annotations, ...template.metadata.annotations };
  return {
    kind: 'Deployment',
    ...own,
    labels: { ...own.labels, ...template.metadata.labels },
    annotations,
    nodeSelector: template.spec.nodeSelector ?? {},
    replicas,
    update: lowerStrategy(spec.strategy ?? {}, { replicas, minReadySeconds }),
    pod: lowerPodSpec(template.spec, { ...own, annotations }),
  };
}
