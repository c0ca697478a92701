import type { WrittenContainer } from '../kinds/container.ts';
import { annotatedLimits } from '../kinds/limit-annotations.ts';
import { NETWORKS_ANNOTATION, parseNetworks } from '../kinds/pod-network.ts';
import type { PodSpec } from '../kinds/pod-spec.ts';
import { RLIMITS_ANNOTATION, readRlimits } from '../values/rlimits.ts';
import type { Container, PodDns, PodTemplate, Rlimit, StringMap, Workload } from '../workload.ts';
import { lowerContainer } from './lower-container.ts';
import { lowerVolume } from './lower-volume.ts';

const DEFAULT_GRACE_SECONDS = 30;
const CLUSTER_DOMAIN = 'cluster.local';

/** What of a workload its pods take over. */
type PodOwner = Pick<Workload, 'name' | 'namespace' | 'annotations'>;

/** Fills every default of a pod spec. @param owner the workload, whose name is the hostname unless one is written. */
export function lowerPodSpec(spec: PodSpec, owner: PodOwner): PodTemplate {
  const { annotations } = owner;
  const rlimits = rlimitsIn(annotations);
  const lower = (container: WrittenContainer): Container => {
    const own = lowerContainer(container, spec.securityContext ?? {}, rlimits);
    const annotated = annotatedLimits(annotations, container.name);
    return { ...own, resources: { ...own.resources, limits: { ...own.resources.limits, ...annotated } } };
  };
  return {
    restartPolicy: spec.restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
    hostNetwork: spec.hostNetwork ?? false,
    networks: networksOf(annotations),
    dns: lowerDns(spec),
    hostAliases: spec.hostAliases ?? [],
    // Kubernetes' default is true; here isolation is what a manifest gets without asking.
    hostUsers: spec.hostUsers ?? false,
    shareProcessNamespace: spec.shareProcessNamespace ?? false,
    hostPID: spec.hostPID ?? false,
    hostIPC: spec.hostIPC ?? false,
    sysctls: spec.securityContext?.sysctls ?? [],
    ...hostnamesOf(spec, owner),
    fsGroup: spec.securityContext?.fsGroup ?? null,
    // `Always` is what nobody asks for: a policy that says nothing.
    fsGroupChangePolicy: spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : null,
    volumes: (spec.volumes ?? []).map(lowerVolume),
    initContainers: (spec.initContainers ?? []).map(({ restartPolicy, ...container }) => ({
      ...lower(container),
      isSidecar: restartPolicy === 'Always',
    })),
    containers: spec.containers.map(lower),
  };
}

/** The names Kubernetes' DNS has for a pod of a headless Service; here in `/etc/hosts`, whether there is one or not. */
function hostnamesOf(
  { hostname, subdomain, setHostnameAsFQDN = false }: PodSpec,
  { name, namespace }: PodOwner,
): Pick<PodTemplate, 'hostname' | 'otherHostnames'> {
  const short = hostname ?? name;
  if (subdomain === undefined) return { hostname: short, otherHostnames: [] };
  const parts = [short, subdomain, namespace, 'svc', CLUSTER_DOMAIN];
  const full = parts.join('.');
  const between = [2, 3, 4].map((count) => parts.slice(0, count).join('.'));
  return setHostnameAsFQDN
    ? { hostname: full, otherHostnames: [short, ...between] }
    : { hostname: short, otherHostnames: [full, ...between] };
}

function networksOf(annotations: StringMap): PodTemplate['networks'] {
  const written = annotations[NETWORKS_ANNOTATION];
  const parsed = written === undefined ? '' : parseNetworks(written);
  return typeof parsed === 'string' ? null : parsed.networks;
}

/** There is no DNS server of a cluster: `ClusterFirst` means the same as `Default`, beside the names in `/etc/hosts`. */
function lowerDns({ dnsPolicy, dnsConfig = {} }: PodSpec): PodDns {
  const { nameservers = [], searches = [], options = [] } = dnsConfig;
  return {
    isWithoutNode: dnsPolicy === 'None',
    nameservers,
    searches,
    options: options.map(({ name, value }) => (value === undefined ? name : `${name}:${value}`)),
  };
}

/** @returns what the annotation asks for; its text was checked. */
function rlimitsIn(annotations: StringMap): readonly Rlimit[] {
  const text = annotations[RLIMITS_ANNOTATION];
  const limits = text === undefined ? [] : readRlimits(text);
  return typeof limits === 'string' ? [] : limits;
}
