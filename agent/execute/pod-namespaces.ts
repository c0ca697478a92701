import type { PodTemplate } from '../../manifests/index.ts';
import type { SandboxSpec } from '../../native/index.ts';

/** @returns what a pod shares among its containers or with the node, and the kernel parameters of its own namespaces. */
export function podNamespaces(pod: PodTemplate): Pick<SandboxSpec, 'processes' | 'ipc' | 'sysctls'> {
  return {
    ...(pod.shareProcessNamespace ? { processes: 'shared' as const } : {}),
    ...(pod.hostPID ? { processes: 'host' as const } : {}),
    ...(pod.hostIPC ? { ipc: 'host' as const } : {}),
    ...(pod.sysctls.length > 0
      ? { sysctls: Object.fromEntries(pod.sysctls.map(({ name, value }) => [name, value])) }
      : {}),
  };
}
