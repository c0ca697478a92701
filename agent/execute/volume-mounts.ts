import type { HostPathType, PodTemplate, Volume, VolumeMount } from '../../manifests/index.ts';
import type { OciMount, SandboxVolume } from '../../native/index.ts';

/** Enough for the largest ConfigMaps and Secrets, old and new beside each other. */
const FILES_BYTES = 64 * 1024 * 1024;

/** @returns the volumes of a pod that are kept in memory: emptyDirs of medium Memory, and files written by the agent. */
export function sandboxVolumes({ volumes, fsGroup }: PodTemplate): readonly SandboxVolume[] {
  return volumes.flatMap((volume): readonly SandboxVolume[] => {
    if (volume.type === 'projected') {
      const isSwappable = !volume.sources.some(({ type }) => type === 'secret');
      return [{ name: volume.name, maxBytes: FILES_BYTES, gid: 0, mode: 0o755, isSwappable }];
    }
    if (volume.type !== 'emptyDir' || volume.medium !== 'Memory') return [];
    const mode = fsGroup === null ? 0o777 : 0o2777;
    return [{ name: volume.name, maxBytes: volume.sizeLimitBytes, gid: fsGroup ?? 0, mode, isSwappable: true }];
  });
}

/** @returns whether a volume is one of {@link sandboxVolumes}. */
export function isInMemory(volume: Volume): boolean {
  return volume.type === 'projected' || (volume.type === 'emptyDir' && volume.medium === 'Memory');
}

/** @param source host path of the volume; of no interest for one in memory. */
export function volumeMountOf(volume: Volume, mount: VolumeMount, source: string): OciMount {
  const isReadOnly =
    mount.readOnly || volume.type === 'projected' || (volume.type === 'persistentVolumeClaim' && volume.readOnly);
  const access = isReadOnly ? 'ro' : 'rw';
  const common = { destination: mount.mountPath, ...(mount.subPath === null ? {} : { subPath: mount.subPath }) };
  // What is missing of the files of a ConfigMap is a mistake, and no directory to be made.
  const made = mount.subPath !== null && volume.type !== 'projected' ? ['make-path'] : [];
  const options = [access, 'nosuid', 'nodev', ...made];
  if (isInMemory(volume)) return { ...common, type: 'volume', source: volume.name, options };
  if (volume.type !== 'hostPath') return { ...common, type: 'bind', source, options: [...options, 'idmap'] };
  const checks = ['strict', ...(EXPECTED[volume.hostPathType] ?? [])];
  return { ...common, type: 'bind', source, options: [...options, 'rbind', 'idmap', ...checks, ...follows(mount)] };
}

/** The shim looks again at what it mounts: between our look and the mount somebody may have exchanged it. */
const EXPECTED: Readonly<Record<HostPathType, readonly string[]>> = {
  '': [],
  Directory: ['directory'],
  DirectoryOrCreate: ['directory'],
  File: ['file'],
  FileOrCreate: ['file'],
  Socket: ['socket'],
};

function follows({ propagation }: VolumeMount): readonly string[] {
  if (propagation === null) return [];
  return propagation === 'Bidirectional' ? ['rshared'] : ['rslave'];
}
