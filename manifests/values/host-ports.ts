import { allContainers, type ContainerPort, type PodTemplate } from '../workload.ts';

/** A port of the node that a pod takes, and where in the pod spec that is written. */
export interface HostPort {
  readonly protocol: 'TCP' | 'UDP';
  /** Null is every address of the node. */
  readonly hostIp: string | null;
  readonly hostPort: number;
  readonly containerPort: number;
  /** Path within the pod spec. */
  readonly path: string;
}

/** @returns the ports of the node a pod takes, in the order written. */
export function hostPortsOf(pod: Pick<PodTemplate, 'initContainers' | 'containers'>): readonly HostPort[] {
  return allContainers(pod).flatMap(({ ports }, index) => {
    const [list, at] =
      index < pod.initContainers.length ? ['initContainers', index] : ['containers', index - pod.initContainers.length];
    return ports.flatMap((port, portIndex) => publish(port, `${list}[${at}].ports[${portIndex}].hostPort`));
  });
}

/** @returns whether two pods cannot both have these ports. */
export function isSameHostPort(a: HostPort, b: HostPort): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  return a.hostIp === null || b.hostIp === null || a.hostIp === b.hostIp;
}

function publish({ protocol, hostIp, hostPort, containerPort }: ContainerPort, path: string): readonly HostPort[] {
  if (hostPort == null || protocol === 'SCTP') return [];
  return [{ protocol, hostIp, hostPort, containerPort, path }];
}
