import type { EnvVar } from './environment.ts';
import type { EmptyDirVolume, Volume, VolumeMount } from './volume.ts';
import type { Container, ContainerPort, PodTemplate, ResourceLimits, SecurityContext, Workload } from './workload.ts';

/** Fields added to the IR since it was first kept on disk, as they are where nothing is said. Every later one belongs here. */
const POD = {
  networks: null,
  dns: { isWithoutNode: false, nameservers: [], searches: [], options: [] },
  hostAliases: [],
  shareProcessNamespace: false,
  hostPID: false,
  hostIPC: false,
  sysctls: [],
  otherHostnames: [],
  fsGroupChangePolicy: null,
} as const satisfies Partial<PodTemplate>;

const CONTAINER = {
  postStart: null,
  preStopSleepSeconds: null,
  stopSignal: null,
  rlimits: [],
  envFrom: [],
} as const satisfies Partial<Container>;

const LIMITS = {
  cpus: null,
  mems: null,
  memoryHighBytes: null,
  swapBytes: null,
  ioDevices: [],
  ioWeight: null,
  hugePages1GiBytes: null,
  hugePages2MiBytes: null,
} as const satisfies Partial<ResourceLimits>;

const PORT = { hostPort: null, hostIp: null } as const satisfies Partial<ContainerPort>;

const SECURITY = {
  localhostProfile: null,
  appArmorProfile: null,
  seLinuxOptions: null,
  procMount: null,
  mergesImageGroups: false,
} as const satisfies Partial<SecurityContext>;

const VARIABLE = { valueFrom: null } as const satisfies Partial<EnvVar>;

const MOUNT = { subPath: null, subPathExpr: null, propagation: null } as const satisfies Partial<VolumeMount>;

const EMPTY_DIR = { sizeLimitBytes: null } as const satisfies Partial<EmptyDirVolume>;

/** @returns a workload that an older agent may have written, with the fields that agent did not know. */
export function completeWorkload(workload: Workload): Workload {
  const { pod } = workload;
  return {
    ...workload,
    pod: {
      ...POD,
      ...pod,
      volumes: pod.volumes.map((volume): Volume => (volume.type === 'emptyDir' ? { ...EMPTY_DIR, ...volume } : volume)),
      initContainers: pod.initContainers.map((container) => ({ ...container, ...complete(container) })),
      containers: pod.containers.map(complete),
    },
  };
}

function complete(container: Container): Container {
  return {
    ...CONTAINER,
    ...container,
    env: container.env.map((variable) => ({ ...VARIABLE, ...variable })),
    volumeMounts: container.volumeMounts.map((mount) => ({ ...MOUNT, ...mount })),
    resources: { ...container.resources, limits: { ...LIMITS, ...container.resources.limits } },
    ports: container.ports.map((port) => ({ ...PORT, ...port })),
    securityContext: { ...SECURITY, ...container.securityContext },
  };
}
