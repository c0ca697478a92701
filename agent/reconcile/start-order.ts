import type { Container, PodTemplate } from '../../manifests/index.ts';
import type { ObservedPod, PodContainer, Version } from './state.ts';

/**
 * What a container is in its pod. `init` runs to its end before anything after it starts; `sidecar` is started before what
 * follows it and kept running until the main containers have completed; `main` is what the pod is for.
 */
export type Role = 'init' | 'sidecar' | 'main';

/** A container with its role. */
export interface OrderedContainer {
  readonly container: Container;
  readonly role: Role;
}

/** @returns the containers of a pod in the order they start (Kubernetes: init containers and native sidecars). */
export function startOrder(pod: PodTemplate): readonly OrderedContainer[] {
  return [
    ...pod.initContainers.map(
      (container): OrderedContainer => ({ container, role: container.isSidecar ? 'sidecar' : 'init' }),
    ),
    ...pod.containers.map((container): OrderedContainer => ({ container, role: 'main' })),
  ];
}

/** @returns the role a container has in a version; `main` for one the version does not know. */
export function roleOf(version: Version, name: string): Role {
  return startOrder(version.workload.pod).find(({ container }) => container.name === name)?.role ?? 'main';
}

/** @returns the observed container of that name, or undefined when it was never started or is gone. */
export function findContainer(pod: ObservedPod, name: string): PodContainer | undefined {
  return pod.containers.find((candidate) => candidate.name === name);
}

/** @returns whether what comes after the init containers has begun, so that those have done their work. */
export function hasBegun(pod: ObservedPod, version: Version): boolean {
  return version.workload.pod.containers.some(({ name }) => findContainer(pod, name) !== undefined);
}

/** @returns whether every main container has done what its restart policy wants of it. */
export function hasCompleted(pod: ObservedPod, version: Version): boolean {
  return version.workload.pod.containers.every(({ name }) => {
    const found = findContainer(pod, name);
    return found !== undefined && isComplete(found, 'main', version);
  });
}

/** @returns whether a container has ended as it should and needs no further start. */
export function isComplete(container: PodContainer, role: Role, version: Version): boolean {
  if (!container.exit || role === 'sidecar') return false;
  if (role === 'init') return container.exit.code === 0;
  const policy = version.workload.pod.restartPolicy;
  return policy === 'Never' || (policy === 'OnFailure' && container.exit.code === 0);
}
