import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClaimVolume, PodTemplate, Volume, Workload } from '../../manifests/index.ts';
import { removeTree } from '../../native/index.ts';
import { openClaims } from './claims.ts';
import type { PodPaths } from './container-config.ts';
import { prepareHostPath } from './host-path.ts';
import { resolvConf } from './resolv-conf.ts';
import { StepError } from './step-error.ts';
import { takeGroup } from './take-group.ts';
import { isInMemory } from './volume-mounts.ts';
import type { VolumeQuotas } from './volume-quotas.ts';

/** Where a pod's directories live. */
export interface PodFileRoots {
  /** On disk: emptyDir volumes and generated files. */
  readonly stateDir: string;
  /** Where agents before this one kept emptyDir volumes of medium Memory. */
  readonly runDir: string;
  /** Name servers of pods on networks, in place of the node's; none unless given. */
  readonly nameservers?: readonly string[];
  /** Hold volumes below `stateDir` to their sizes; without them nothing does. */
  readonly quotas?: VolumeQuotas;
}

/**
 * Makes what a pod's containers share on the host: emptyDir directories, `/etc/hosts`, `/etc/hostname` and, on a network,
 * `/etc/resolv.conf`. Checks hostPath volumes against their type. Idempotent.
 * @throws StepError `host-path` when a hostPath is not what its type says, or leads through a symbolic link; `claim` when a
 * claim has no directory.
 */
export async function preparePodFiles(
  roots: PodFileRoots,
  podId: string,
  workload: Pick<Workload, 'namespace' | 'pod'>,
): Promise<PodPaths> {
  const { pod } = workload;
  // First what may be refused, so that a refused pod leaves nothing behind.
  for (const volume of pod.volumes) if (volume.type === 'hostPath') await prepareHostPath(volume);
  for (const volume of pod.volumes) {
    if (volume.type === 'emptyDir' && volume.medium === 'Disk') {
      const path = emptyDirPath(roots, podId, volume.name);
      await makeEmptyDir(path, pod.fsGroup);
      if (volume.sizeLimitBytes !== null) await roots.quotas?.bound(path, volume.sizeLimitBytes);
    }
    if (volume.type === 'persistentVolumeClaim') await prepareClaim(roots, volume, workload);
  }
  const directory = filesDir(roots, podId);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'hostname'), `${pod.hostname}\n`, { mode: 0o644 });
  await writeFile(join(directory, 'hosts'), hostsFile(pod), { mode: 0o644 });
  if (hasResolver(pod)) {
    const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
    const [node, upstream] = [await read(NODE_RESOLVER), await read(UPSTREAM_RESOLVER)];
    const sources = { node, upstream, nameservers: pod.hostNetwork ? [] : (roots.nameservers ?? []) };
    const content = resolvConf(pod.dns, sources, pod.hostNetwork ? 'loopback' : 'network');
    await writeFile(join(directory, 'resolv.conf'), content, { mode: 0o644 });
  }
  return podPaths(roots, podId, workload);
}

/** @returns where the shared files of a pod are, made or not. */
export function podPaths(
  roots: PodFileRoots,
  podId: string,
  { namespace, pod }: Pick<Workload, 'namespace' | 'pod'>,
): PodPaths {
  const directory = filesDir(roots, podId);
  const onDisk = pod.volumes.filter((volume) => !isInMemory(volume));
  const volumes = onDisk.map((volume) => [volume.name, volumePath(roots, podId, { volume, namespace })] as const);
  return {
    volumes: Object.fromEntries(volumes),
    files: {
      '/etc/hostname': join(directory, 'hostname'),
      '/etc/hosts': join(directory, 'hosts'),
      ...(hasResolver(pod) ? { '/etc/resolv.conf': join(directory, 'resolv.conf') } : {}),
    },
  };
}

/**
 * Removes everything {@link preparePodFiles} made, whatever the pod's containers made of it; none of them may run any more.
 * hostPath volumes are the node's own and stay.
 */
export async function removePodFiles(roots: PodFileRoots, podId: string): Promise<void> {
  const remove = async (): Promise<void> => {
    for (const root of [roots.stateDir, roots.runDir]) await removeTree(join(root, 'pods', podId));
  };
  if (roots.quotas === undefined) return remove();
  const volumes = join(roots.stateDir, 'pods', podId, 'volumes');
  const names = await readdir(volumes).catch(() => []);
  await roots.quotas.release(
    names.map((name) => join(volumes, name)),
    remove,
  );
}

function filesDir(roots: PodFileRoots, podId: string): string {
  return join(roots.stateDir, 'pods', podId, 'etc');
}

function volumePath(
  roots: PodFileRoots,
  podId: string,
  { volume, namespace }: { readonly volume: Volume; readonly namespace: string },
): string {
  if (volume.type === 'hostPath') return volume.path;
  if (volume.type === 'persistentVolumeClaim') return openClaims(roots.stateDir).path(namespace, volume.claimName);
  return emptyDirPath(roots, podId, volume.name);
}

/** @returns where an emptyDir volume on disk is. */
export function emptyDirPath(roots: PodFileRoots, podId: string, name: string): string {
  return join(roots.stateDir, 'pods', podId, 'volumes', name);
}

async function prepareClaim(
  roots: PodFileRoots,
  { name, claimName }: ClaimVolume,
  { namespace, pod }: Pick<Workload, 'namespace' | 'pod'>,
): Promise<void> {
  const path = await openClaims(roots.stateDir).find(namespace, claimName);
  if (path === null)
    throw new StepError('claim', `volume ${name}: claim ${namespace}/${claimName} has no directory on this node`);
  if (pod.fsGroup !== null) await takeGroup(path, pod.fsGroup, pod.fsGroupChangePolicy);
}

const NODE_RESOLVER = '/etc/resolv.conf';
/** Where systemd-resolved tells the servers behind itself. */
const UPSTREAM_RESOLVER = '/run/systemd/resolve/resolv.conf';

/** A pod with its loopback alone reaches no server, unless it has one of its own there. */
function hasResolver({ hostNetwork, networks, dns }: PodTemplate): boolean {
  return hostNetwork || networks !== 'none' || dns.nameservers.length > 0;
}

/** For pods that are on no network of ours; the backend has one for those that are. */
function hostsFile({ hostname, otherHostnames, hostAliases }: PodTemplate): string {
  const aliases = hostAliases.map(({ ip, hostnames }) => `${ip}\t${hostnames.join(' ')}\n`).join('');
  const names = ['localhost', hostname, ...otherHostnames].join(' ');
  return `127.0.0.1\t${names}\n::1\tlocalhost ip6-localhost ip6-loopback\n${aliases}`;
}

async function makeEmptyDir(path: string, fsGroup: number | null): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (fsGroup !== null) await chown(path, 0, fsGroup);
  // World-writable as in Kubernetes; the directories above it are closed to everyone but root.
  await chmod(path, fsGroup === null ? 0o777 : 0o2777);
}
