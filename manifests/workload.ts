import type { EnvFromSource, EnvVar } from './environment.ts';
import type { Volume, VolumeMount } from './volume.ts';

/**
 * The canonical intermediate representation (IR) of one workload: what a manifest means once every default is filled.
 * Names follow Kubernetes where Kubernetes has the idea; quantities carry their unit last. Plain JSON, no undefined:
 * an absent value is null, so that the canonical JSON (and its digest) of equal meanings is equal. A field added later
 * means, when it is null, false or empty, what held before it: pods that run are not restarted for it (`withoutDefaults`).
 */
export interface Workload {
  readonly kind: 'Pod' | 'Deployment';
  readonly namespace: string;
  readonly name: string;
  /** Of the workload, and for a Deployment those of its pod template, which win. No change of them restarts anything. */
  readonly labels: StringMap;
  /** As `labels`. */
  readonly annotations: StringMap;
  /** Nodes that run it: every entry must equal the node's own label. Empty selects all nodes. */
  readonly nodeSelector: StringMap;
  /** Pods wanted on each selected node. */
  readonly replicas: number;
  readonly update: UpdateStrategy;
  readonly pod: PodTemplate;
}

export type StringMap = Readonly<Record<string, string>>;

/** How a changed pod template replaces the pods that run (apps/v1 DeploymentStrategy). */
export interface UpdateStrategy {
  readonly type: 'RollingUpdate' | 'Recreate';
  /** Pods above `replicas` allowed during an update; percentages are resolved (rounded up). */
  readonly maxSurge: number;
  /**
   * Pods below `replicas` allowed during an update; percentages are resolved (rounded down). At least 1 when `maxSurge`
   * is 0; all of them for `Recreate`.
   */
  readonly maxUnavailable: number;
  readonly minReadySeconds: number;
}

/** Kubernetes PodSpec, reduced to what Holdfast supports. */
export interface PodTemplate {
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly terminationGracePeriodSeconds: number;
  readonly hostNetwork: boolean;
  /** Networks of the namespace the pod is on, the first with the way out; null for its `default` one, `none` for loopback only. */
  readonly networks: null | 'none' | readonly string[];
  readonly dns: PodDns;
  /** Added to the pod's `/etc/hosts`. */
  readonly hostAliases: readonly HostAlias[];
  /** True shares the node's user namespace. Unlike Kubernetes the default is false: a user namespace of its own. */
  readonly hostUsers: boolean;
  /** The containers see and may signal each other's processes; one first process reaps for all. */
  readonly shareProcessNamespace: boolean;
  /** The node's processes, and its shared memory and message queues. The default policies deny both. */
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  /** Kernel parameters of the pod's own network and ipc namespaces, in the order written, so that an index leads to its line. */
  readonly sysctls: readonly Sysctl[];
  /** What its processes are told: with `setHostnameAsFQDN` all of the name. */
  readonly hostname: string;
  /** Of a pod with a subdomain, the other names its neighbours know it by. */
  readonly otherHostnames: readonly string[];
  /** Group that owns the pod's volumes, but for hostPath ones, and that every process of the pod is in; null for none. */
  readonly fsGroup: number | null;
  /** `OnRootMismatch` leaves a claim's files alone when its root has the group already; null goes through all of them. */
  readonly fsGroupChangePolicy: 'OnRootMismatch' | null;
  readonly volumes: readonly Volume[];
  /** Run one after the other, each to its end, before the containers start; sidecars among them run on beside those. */
  readonly initContainers: readonly InitContainer[];
  readonly containers: readonly Container[];
}

/** What is in the pod's `/etc/resolv.conf`. */
export interface PodDns {
  /** True leaves out what the node's own says (`dnsPolicy: None`). */
  readonly isWithoutNode: boolean;
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** As written, `ndots:2` or `rotate`. */
  readonly options: readonly string[];
}

/** Kubernetes HostAlias. */
export interface HostAlias {
  readonly ip: string;
  readonly hostnames: readonly string[];
}

export interface Sysctl {
  /** With dots: `net.ipv4.ip_local_port_range`. */
  readonly name: string;
  readonly value: string;
}

/** A container that comes first. */
export interface InitContainer extends Container {
  /** True for `restartPolicy: Always` on the init container itself: it is not waited for, and kept running. */
  readonly isSidecar: boolean;
}

export interface Container {
  readonly name: string;
  /** As written, with registry and tag made explicit: `docker.io/library/busybox:latest`, `host/name@sha256:…`. */
  readonly image: string;
  /** For now both mean the same: a tag is resolved to a digest once on each node, and that digest is used from then on. */
  readonly imagePullPolicy: 'Always' | 'IfNotPresent';
  /** Replaces the image's Entrypoint; null keeps it. */
  readonly command: readonly string[] | null;
  /** Replaces the image's Cmd; null keeps it (unless `command` is set, then there are none). */
  readonly args: readonly string[] | null;
  readonly workingDir: string | null;
  /** Names are unique; `$(VAR)` references are resolved, here as in `command` and `args`, unless `isKnownAtStart`. */
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvFromSource[];
  readonly ports: readonly ContainerPort[];
  readonly resources: ResourceRequirements;
  /** In the order written, so that an index leads to its line; mount parents before children. Paths are unique. */
  readonly volumeMounts: readonly VolumeMount[];
  /** Runs in the container right after its start, which fails with it; null for nothing. */
  readonly postStart: readonly string[] | null;
  /** Runs in the container before it is stopped, within the grace period; null for nothing. */
  readonly preStop: readonly string[] | null;
  /** Instead of a command: how long to wait before it is stopped, within the grace period. */
  readonly preStopSleepSeconds: number | null;
  /** Instead of the image's. */
  readonly stopSignal: string | null;
  /** From the pod's annotation `holdfast.dev/rlimits`, sorted by name. */
  readonly rlimits: readonly Rlimit[];
  readonly securityContext: SecurityContext;
}

/** A limit of setrlimit(2), such as `nofile`. */
export interface Rlimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** Informational, as in Kubernetes, unless it is published: a port not listed is reachable too. */
export interface ContainerPort {
  readonly name: string | null;
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** The port of the node that leads here; null for none. */
  readonly hostPort: number | null;
  /** The address of the node it is published on; null for all of them. */
  readonly hostIp: string | null;
}

export interface ResourceRequirements {
  /** What was asked for, else the limit. */
  readonly requests: { readonly cpuMillis: number | null; readonly memoryBytes: number | null };
  readonly limits: ResourceLimits;
}

/**
 * What the cgroup enforces. Beyond Kubernetes' own, limits are extended resources such as `holdfast.dev/pids`, which has a
 * default, and annotations of the pod such as `cpus.holdfast.dev/<container>`. Null is no limit, and no swap at all.
 */
export interface ResourceLimits {
  readonly cpuMillis: number | null;
  readonly memoryBytes: number | null;
  readonly pids: number;
  /** Above it memory is taken back and the container slowed down. */
  readonly memoryHighBytes: number | null;
  /** Beyond the memory limit. */
  readonly swapBytes: number | null;
  readonly hugePages2MiBytes: number | null;
  readonly hugePages1GiBytes: number | null;
  /** Share of the disks when they are busy, 10 to 1000. */
  readonly ioWeight: number | null;
  /** Of the node, such as `0-3,6`. */
  readonly cpus: string | null;
  /** Memory nodes, in the same form. */
  readonly mems: string | null;
  /** Each device once. */
  readonly ioDevices: readonly DeviceLimits[];
}

/** What a container may do with one block device of the node. */
export interface DeviceLimits {
  /** Path of its node, or its numbers as `8:0`. */
  readonly device: string;
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
  readonly readsPerSecond: number | null;
  readonly writesPerSecond: number | null;
  /** Share of this device when it is busy, 10 to 1000. */
  readonly weight: number | null;
}

/** The container's effective security context: pod-level values are already merged in, the container's own win. */
export interface SecurityContext {
  readonly privileged: boolean;
  /** Unlike Kubernetes false unless asked for, or the container is privileged. */
  readonly allowPrivilegeEscalation: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly runAsNonRoot: boolean;
  /** Null takes the image's User. */
  readonly runAsUser: number | null;
  readonly runAsGroup: number | null;
  /** Sorted, unique. */
  readonly supplementalGroups: readonly number[];
  /** Capability names without the CAP_ prefix, upper case, sorted; `ALL` is allowed. Nothing is granted by default. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  readonly seccompProfile: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  /** With `Localhost`: path of an OCI seccomp profile below the node's directory of profiles. */
  readonly localhostProfile: string | null;
  /** An AppArmor profile loaded on the node, or `unconfined`; null leaves it to the node. */
  readonly appArmorProfile: string | null;
  readonly seLinuxOptions: SeLinuxOptions | null;
  /** Shows the whole of /proc, writable as far as the pod's users may; null masks what the node keeps to itself. */
  readonly procMount: 'Unmasked' | null;
  /** True for `supplementalGroupsPolicy: Merge`: the groups the image's /etc/group puts its user in count too. */
  readonly mergesImageGroups: boolean;
}

/** Parts of an SELinux label. */
export interface SeLinuxOptions {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

/** `namespace/name`: unique within a revision, whatever the kind. */
export type WorkloadKey = string;

/** @returns the key of a workload, `namespace/name`. */
export function workloadKey(workload: Pick<Workload, 'namespace' | 'name'>): WorkloadKey {
  return `${workload.namespace}/${workload.name}`;
}

/** @returns every container of a pod, init containers first, in the order they start. */
export function allContainers(pod: Pick<PodTemplate, 'initContainers' | 'containers'>): readonly Container[] {
  return [...pod.initContainers, ...pod.containers];
}
