import type { PodSpec } from '../kinds/pod-spec.ts';
import type { WrittenVolume } from '../kinds/volume.ts';
import type { PodTemplate, Volume } from '../workload.ts';
import { lowerContainer } from './lower-container.ts';

const DEFAULT_GRACE_SECONDS = 30;

/** Fills every default of a pod spec. @param name of the workload, which is the hostname unless one is written. */
export function lowerPodSpec(spec: PodSpec, name: string): PodTemplate {
  return {
    restartPolicy: spec.restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
    hostNetwork: spec.hostNetwork ?? false,
    // Kubernetes' default is true; here isolation is what a manifest gets without asking.
    hostUsers: spec.hostUsers ?? false,
    hostname: spec.hostname ?? name,
    fsGroup: spec.securityContext?.fsGroup ?? null,
    volumes: (spec.volumes ?? []).map(lowerVolume),
    initContainers: (spec.initContainers ?? []).map(({ restartPolicy, ...container }) => ({
      ...lowerContainer(container, spec.securityContext ?? {}),
      isSidecar: restartPolicy === 'Always',
    })),
    containers: spec.containers.map((container) => lowerContainer(container, spec.securityContext ?? {})),
  };
}

function lowerVolume({ name, emptyDir, hostPath }: WrittenVolume): Volume {
  if (hostPath) return { name, type: 'hostPath', path: hostPath.path, hostPathType: hostPath.type ?? '' };
  return {
    name,
    type: 'emptyDir',
    medium: emptyDir?.medium === 'Memory' ? 'Memory' : 'Disk',
  };
}
