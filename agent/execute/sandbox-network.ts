import { hostPortsOf, type PodTemplate } from '../../manifests/index.ts';
import type { SandboxNetwork } from '../../native/index.ts';
import type { StepArgs } from '../reconcile/plan.ts';

/** @returns what the backend is asked for: the pod's networks, its published ports, and its own lines of the hosts file. */
export function sandboxNetwork(
  pod: PodTemplate,
  { networks, guards }: Pick<StepArgs['create-pod'], 'networks' | 'guards'>,
): SandboxNetwork {
  if (networks === 'host') return 'host';
  if (networks === 'none') return 'private';
  const hosts = pod.hostAliases.map(({ ip, hostnames }) => ({ address: ip, names: hostnames }));
  return {
    type: 'bridge',
    networks: networks.map((name) => ({ name, aliases: pod.otherHostnames })),
    ports: hostPortsOf(pod).map(({ protocol, hostIp, hostPort, containerPort }) => ({
      ...{ hostIp, hostPort, containerPort },
      protocol: protocol === 'TCP' ? 'tcp' : 'udp',
    })),
    ...(guards.length === 0 ? {} : { guards }),
    ...(hosts.length === 0 ? {} : { hosts }),
  };
}
