import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OciMount, SandboxSpec, SandboxVolume } from '../../../native/index.ts';
import type { KernelGround } from '../../contract/kernel-ground.ts';

/** One of each kind that there is: the group's, and one that is kept out of swap. */
export const FAULTY_VOLUMES: readonly SandboxVolume[] = [
  { name: 'cache', maxBytes: 64 * 1024, gid: 77, mode: 0o2770, isSwappable: true },
  { name: 'files', maxBytes: null, gid: 0, mode: 0o755, isSwappable: false },
];

/** Mounts that make the shim do all it can do about volumes. */
export interface FaultyVolumes {
  /** None for a sandbox without volumes. */
  readonly mounts: readonly OciMount[];
  /** Takes away what was made below them, so that it is made again. */
  clear(): Promise<void>;
}

const MADE = 'made/deep';

/** Makes what the mounts need on the node. */
export async function openFaultyVolumes(
  { directory, backend }: Pick<KernelGround, 'directory' | 'backend'>,
  { volumes }: Pick<SandboxSpec, 'volumes'>,
): Promise<FaultyVolumes> {
  if (volumes === undefined) return { mounts: [], clear: async () => undefined };
  const source = join(directory, 'node/data');
  await mkdir(source, { recursive: true });
  const options = ['rw', 'nosuid', 'nodev', 'make-path'];
  return {
    mounts: [
      { destination: '/cache', type: 'volume', source: 'cache', options, subPath: MADE },
      { destination: '/files', type: 'volume', source: 'files', options: ['ro'] },
      {
        ...{ destination: '/data', type: 'bind', source, subPath: MADE },
        options: [...options, 'rbind', 'idmap', 'strict', 'directory', 'rslave'],
      },
    ],
    clear: async () => {
      const { path } = await backend.volumeDirectory('pod', 'cache');
      for (const root of [source, path]) await rm(join(root, 'made'), { recursive: true, force: true });
    },
  };
}
