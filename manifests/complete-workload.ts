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
} as const satisfies Partial<PodTemplate>;

const CONTAINER = {
  postStart: null,
  preStopSleepSeconds: null,
  stopSignal: null,
  rlimits: [],
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

/** @returns a workload that an older agent may have written, with the fields that agent did not know. */
export function completeWorkload(workload: Workload): Workload {
  const { pod } = workload;
  return {
    ...workload,
    pod: {
      ...POD,
      ...pod,
      initContainers: pod.initContainers.map((container) => ({ ...container, ...complete(container) })),
      containers: pod.containers.map(complete),
    },
  };
}

function complete(container: Container): Container {
  return {
    ...CONTAINER,
    ...container,
    resources: { ...container.resources, limits: { ...LIMITS, ...container.resources.limits } },
    ports: container.ports.map((port) => ({ ...PORT, ...port })),
    securityContext: { ...SECURITY, ...container.securityContext },
  };
}
