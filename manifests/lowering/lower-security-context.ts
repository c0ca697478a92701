import type { ContainerSecurityContext, PodSecurityContext } from '../kinds/security-context.ts';
import type { SecurityContext } from '../workload.ts';

/** Merges pod level into container level, the container's own values first, and fills the rest with the safe choice. */
export function lowerSecurityContext(own: ContainerSecurityContext, pod: PodSecurityContext): SecurityContext {
  const privileged = own.privileged ?? false;
  return {
    privileged,
    // Kubernetes' default is true for all; here only privileged containers, which could not be kept from it, have it.
    allowPrivilegeEscalation: own.allowPrivilegeEscalation ?? privileged,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    runAsNonRoot: own.runAsNonRoot ?? pod.runAsNonRoot ?? false,
    runAsUser: own.runAsUser ?? pod.runAsUser ?? null,
    runAsGroup: own.runAsGroup ?? pod.runAsGroup ?? null,
    supplementalGroups: groups(pod),
    capabilities: { add: own.capabilities?.add ?? [], drop: own.capabilities?.drop ?? [] },
    seccompProfile: own.seccompProfile?.type ?? pod.seccompProfile?.type ?? 'RuntimeDefault',
  };
}

/** The group that owns the volumes is a group of every process, as in Kubernetes. */
function groups({ supplementalGroups = [], fsGroup }: PodSecurityContext): readonly number[] {
  const all = fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
  return [...new Set(all)].sort((a, b) => a - b);
}
