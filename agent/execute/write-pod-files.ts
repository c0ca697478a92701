import type { ProjectedVolume } from '../../manifests/index.ts';
import type { ContainerBackend } from '../../native/index.ts';
import type { Material } from '../material/material.ts';
import { podFacts } from '../material/pod-facts.ts';
import { type ProjectedFile, projectedFiles } from '../material/projected-files.ts';
import { type FileOwner, type FilesState, inspectVolumeFiles, writeVolumeFiles } from '../material/volume-files.ts';
import type { Version } from '../reconcile/state.ts';

/** What files of pods are made with. */
export interface PodFilesPorts {
  readonly backend: Pick<ContainerBackend, 'volumeDirectory'>;
  readonly nodeName: string;
  /** The node's key for digests. */
  readonly inputKey: Uint8Array;
}

/** Writes the files of every projected volume of a living pod that are not as they should be. */
export async function writePodFiles(
  ports: PodFilesPorts,
  podId: string,
  version: Version,
  material: Material,
): Promise<void> {
  for (const volume of projectedVolumes(version)) {
    const { directory, files, owner } = await volumeOf(ports, podId, version, { volume, material });
    if ((await inspectVolumeFiles(directory, files, owner, ports.inputKey)) === 'current') continue;
    await writeVolumeFiles(directory, files, owner, ports.inputKey);
  }
}

/** @returns the projected volumes of a living pod whose files are not as they should be, with how they stand. */
export async function inspectPodFiles(
  ports: PodFilesPorts,
  podId: string,
  version: Version,
  material: Material,
): Promise<readonly { readonly volume: string; readonly state: Exclude<FilesState, 'current'> }[]> {
  const stale: { volume: string; state: Exclude<FilesState, 'current'> }[] = [];
  for (const volume of projectedVolumes(version)) {
    const { directory, files, owner } = await volumeOf(ports, podId, version, { volume, material });
    const state = await inspectVolumeFiles(directory, files, owner, ports.inputKey);
    if (state !== 'current') stale.push({ volume: volume.name, state });
  }
  return stale;
}

/** @returns whether a version has files that the agent writes. */
export function hasPodFiles(version: Version): boolean {
  return projectedVolumes(version).length > 0;
}

function projectedVolumes({ workload }: Version): readonly ProjectedVolume[] {
  return workload.pod.volumes.filter((volume) => volume.type === 'projected');
}

interface VolumeFiles {
  readonly directory: string;
  readonly files: readonly ProjectedFile[];
  readonly owner: FileOwner;
}

async function volumeOf(
  { backend, nodeName }: PodFilesPorts,
  podId: string,
  { workload }: Version,
  { volume, material }: { readonly volume: ProjectedVolume; readonly material: Material },
): Promise<VolumeFiles> {
  const { path, idBase } = await backend.volumeDirectory(podId, volume.name);
  const { fsGroup } = workload.pod;
  const files = projectedFiles(volume, podFacts(workload, podId, nodeName), material);
  return {
    directory: path,
    // The group can read them, as kubelet has it.
    files: fsGroup === null ? files : files.map((file) => ({ ...file, mode: file.mode | 0o440 })),
    owner: { uid: idBase, gid: idBase + (fsGroup ?? 0) },
  };
}
