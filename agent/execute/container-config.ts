import type { Container, PodTemplate } from '../../manifests/index.ts';
import { defaultSeccomp, type OciConfig, type OciMount, type OciSeccomp } from '../../native/index.ts';
import type { ImageConfig } from '../images/image-source.ts';
import type { ImageUser } from './image-user.ts';
import { oomScoreAdj } from './oom-score.ts';
import { processConfig } from './process-config.ts';
import { isInMemory, volumeMountOf } from './volume-mounts.ts';

/** Kernel interfaces an unprivileged container must not read (the OCI runtimes' common default, and dynamic_debug). */
const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/dynamic_debug',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

/** Kernel interfaces it may read but not write. */
const READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Host directories and files the pod's containers share. */
export interface PodPaths {
  /** Host path of each volume that has one, by name. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Files written for the pod, by their path in the container: `/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf`. */
  readonly files: Readonly<Record<string, string>>;
}

/** What of the node a container's config depends on. */
export interface ContainerGround {
  /** The profile a container of type `Localhost` names; null for any other. */
  readonly seccomp: OciSeccomp | null;
  /** Of the node. */
  readonly memoryBytes: number;
}

const NO_GROUND: ContainerGround = { seccomp: null, memoryBytes: 0 };

/** Lowers one container of the IR to the OCI runtime-spec config the backend executes. Pure. */
export function containerConfig(
  pod: PodTemplate,
  container: Container,
  image: ImageConfig,
  user: ImageUser,
  paths: PodPaths,
  ground: ContainerGround = NO_GROUND,
): OciConfig {
  const { privileged, readOnlyRootFilesystem, procMount } = container.securityContext;
  const isShown = (path: string): boolean => privileged || (procMount === 'Unmasked' && path.startsWith('/proc/'));
  return {
    ociVersion: '1.2.0',
    process: {
      ...processConfig(container, image, user, pod.hostname),
      oomScoreAdj: oomScoreAdj(pod, container, ground.memoryBytes),
    },
    root: { readonly: readOnlyRootFilesystem },
    mounts: [...fileMounts(paths), ...parentsFirst(container).map((mount) => volumeMount(pod, mount, paths))],
    linux: {
      maskedPaths: MASKED_PATHS.filter((path) => !isShown(path)),
      readonlyPaths: READONLY_PATHS.filter((path) => !isShown(path)),
      seccomp: seccompOf(container, ground),
      privileged,
      ...mountLabelOf(container),
    },
  };
}

function seccompOf({ securityContext }: Container, ground: ContainerGround): OciSeccomp | null {
  const { privileged, seccompProfile } = securityContext;
  if (privileged || seccompProfile === 'Unconfined') return null;
  if (seccompProfile === 'RuntimeDefault') return defaultSeccomp;
  if (ground.seccomp === null) throw new Error(`seccomp profile ${securityContext.localhostProfile} was not read`);
  return ground.seccomp;
}

/** The type container-selinux gives the files of a container. */
function mountLabelOf({ securityContext: { seLinuxOptions } }: Container): Pick<OciConfig['linux'], 'mountLabel'> {
  if (seLinuxOptions === null) return {};
  return { mountLabel: `${seLinuxOptions.user}:object_r:container_file_t:${seLinuxOptions.level}` };
}

/** A volume mounted below another one would be hidden by it, were it not mounted after it. */
function parentsFirst({ volumeMounts }: Container): Container['volumeMounts'] {
  return volumeMounts.toSorted((a, b) => (a.mountPath < b.mountPath ? -1 : Number(a.mountPath > b.mountPath)));
}

function fileMounts(paths: PodPaths): readonly OciMount[] {
  return Object.entries(paths.files).map(([destination, source]) => ({
    destination,
    type: 'bind',
    source,
    options: ['ro', 'nosuid', 'nodev', 'noexec', 'idmap'],
  }));
}

function volumeMount(pod: PodTemplate, mount: Container['volumeMounts'][number], paths: PodPaths): OciMount {
  const volume = pod.volumes.find((candidate) => candidate.name === mount.name);
  if (!volume) throw new Error(`the pod has no volume ${mount.name}`);
  const source = paths.volumes[mount.name];
  if (source === undefined && !isInMemory(volume)) throw new Error(`volume ${mount.name} has no host path`);
  return volumeMountOf(volume, mount, source ?? '');
}
