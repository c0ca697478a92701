import { isKnownAtStart } from '../environment.ts';
import type { WrittenContainer } from '../kinds/container.ts';
import {
  IO_WEIGHT_RESOURCE,
  MEMORY_HIGH_RESOURCE,
  PIDS_RESOURCE,
  type Resources,
  SWAP_RESOURCE,
} from '../kinds/resources.ts';
import type { PodSecurityContext } from '../kinds/security-context.ts';
import { formatImageReference, type ImageReference } from '../values/image-reference.ts';
import type { Container, ResourceRequirements, Rlimit } from '../workload.ts';
import { expandEnv, expandVariables } from './expand-variables.ts';
import { lowerEnvFrom, lowerEnvVar } from './lower-environment.ts';
import { lowerSecurityContext } from './lower-security-context.ts';
import { lowerVolumeMount } from './lower-volume.ts';

/** Without a limit of processes one container could take the node down. */
const DEFAULT_PIDS = 1_024;

/** Fills every default of a container and resolves its `$(VAR)` references, where all of its variables are known. */
export function lowerContainer(
  written: WrittenContainer,
  pod: PodSecurityContext,
  rlimits: readonly Rlimit[] = [],
): Container {
  const asWritten = (written.env ?? []).map((variable) => lowerEnvVar(variable, written.name));
  const envFrom = (written.envFrom ?? []).flatMap(lowerEnvFrom);
  const isOpen = isKnownAtStart({ env: asWritten, envFrom });
  const env = isOpen ? asWritten : expandEnv(asWritten);
  const variables = isOpen ? null : new Map(env.map(({ name, value }) => [name, value]));
  return {
    name: written.name,
    image: formatImageReference(written.image),
    imagePullPolicy: written.imagePullPolicy ?? defaultPullPolicy(written.image),
    command: lowerWords(written.command, variables),
    args: lowerWords(written.args, variables),
    workingDir: written.workingDir ?? null,
    env,
    envFrom,
    ports: (written.ports ?? []).map(({ name = null, containerPort, protocol = 'TCP', hostPort, hostIP }) => ({
      name,
      containerPort,
      protocol,
      hostPort: hostPort ?? null,
      hostIp: hostIP ?? null,
    })),
    resources: lowerResources(written.resources ?? {}),
    volumeMounts: (written.volumeMounts ?? []).map((mount) => lowerVolumeMount(mount, variables)),
    ...lowerLifecycle(written.lifecycle ?? {}),
    rlimits,
    securityContext: lowerSecurityContext(written.securityContext ?? {}, pod),
  };
}

type Lifecycle = Pick<Container, 'postStart' | 'preStop' | 'preStopSleepSeconds' | 'stopSignal'>;

function lowerLifecycle({ postStart, preStop, stopSignal }: NonNullable<WrittenContainer['lifecycle']>): Lifecycle {
  return {
    postStart: postStart?.exec.command ?? null,
    preStop: preStop?.exec?.command ?? null,
    // No wait at all is the same as no hook.
    preStopSleepSeconds: preStop?.sleep?.seconds || null,
    stopSignal: stopSignal ?? null,
  };
}

function defaultPullPolicy(image: ImageReference): Container['imagePullPolicy'] {
  return image.digest === null && image.tag === 'latest' ? 'Always' : 'IfNotPresent';
}

/** An empty list means the same as none, as in Kubernetes. */
function lowerWords(
  words: readonly string[] | undefined,
  variables: ReadonlyMap<string, string> | null,
): readonly string[] | null {
  if (!words?.length) return null;
  return variables === null ? words : words.map((word) => expandVariables(word, variables));
}

function lowerResources({ requests, limits }: Resources): ResourceRequirements {
  return {
    requests: {
      cpuMillis: requests?.cpu ?? limits?.cpu ?? null,
      memoryBytes: requests?.memory ?? limits?.memory ?? null,
    },
    limits: {
      cpuMillis: limits?.cpu ?? null,
      memoryBytes: limits?.memory ?? null,
      pids: limits?.[PIDS_RESOURCE] ?? DEFAULT_PIDS,
      memoryHighBytes: limits?.[MEMORY_HIGH_RESOURCE] ?? null,
      swapBytes: limits?.[SWAP_RESOURCE] ?? null,
      hugePages2MiBytes: limits?.['hugepages-2Mi'] ?? null,
      hugePages1GiBytes: limits?.['hugepages-1Gi'] ?? null,
      ioWeight: requests?.[IO_WEIGHT_RESOURCE] ?? null,
      cpus: null,
      mems: null,
      ioDevices: [],
    },
  };
}
