import type { ContainerSecurityContext, PodSecurityContext } from '../kinds/security-context.ts';
import type { SecurityContext, SeLinuxOptions } from '../workload.ts';

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
    ...lowerProfiles(own, pod),
    procMount: own.procMount === 'Unmasked' ? 'Unmasked' : null,
    // Kubernetes' default is Merge; here an image adds no group to those the manifest names.
    mergesImageGroups: pod.supplementalGroupsPolicy === 'Merge',
  };
}

type Profiles = Pick<SecurityContext, 'seccompProfile' | 'localhostProfile' | 'appArmorProfile' | 'seLinuxOptions'>;

function lowerProfiles(own: ContainerSecurityContext, pod: PodSecurityContext): Profiles {
  const seccomp = own.seccompProfile ?? pod.seccompProfile;
  const appArmor = own.appArmorProfile ?? pod.appArmorProfile;
  const seLinux = own.seLinuxOptions ?? pod.seLinuxOptions;
  return {
    seccompProfile: seccomp?.type ?? 'RuntimeDefault',
    localhostProfile: seccomp?.localhostProfile ?? null,
    appArmorProfile: appArmor ? (appArmor.localhostProfile ?? 'unconfined') : null,
    seLinuxOptions: seLinux ? { ...CONTAINER_LABEL, ...definedOnly(seLinux) } : null,
  };
}

/** What container-selinux labels a container with, where the manifest leaves a part out. */
const CONTAINER_LABEL: SeLinuxOptions = { user: 'system_u', role: 'system_r', type: 'container_t', level: 's0' };

function definedOnly(written: NonNullable<PodSecurityContext['seLinuxOptions']>): Partial<SeLinuxOptions> {
  return Object.fromEntries(Object.entries(written).filter(([, part]) => part !== undefined));
}

/** The group that owns the volumes is a group of every process, as in Kubernetes. */
function groups({ supplementalGroups = [], fsGroup }: PodSecurityContext): readonly number[] {
  const all = fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
  return [...new Set(all)].sort((a, b) => a - b);
}
