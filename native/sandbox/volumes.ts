import type { SandboxVolume, VolumeDirectory } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import type { LaunchVolume } from '../launch/launch-spec.ts';
import { livingHolder } from './holder.ts';

const NAME = /^[a-z0-9_-][a-z0-9_.-]{0,199}$/;

/** @throws BackendError `invalid-spec`: the name becomes part of a path. */
export function checkVolumeName(name: string): void {
  if (NAME.test(name)) return;
  throw new BackendError(
    'invalid-spec',
    'check volume',
    `volume ${JSON.stringify(name)}: expected 1 to 200 of a-z 0-9 _ . - that do not begin with a dot`,
  );
}

/** @throws BackendError `invalid-spec` naming the field. */
export function checkVolumes(volumes: readonly SandboxVolume[]): void {
  const names = new Set<string>();
  for (const { name, maxBytes, gid, mode } of volumes) {
    checkVolumeName(name);
    const isRight =
      !names.has(name) &&
      (maxBytes === null || (Number.isSafeInteger(maxBytes) && maxBytes > 0)) &&
      Number.isSafeInteger(gid) &&
      gid >= 0 &&
      Number.isSafeInteger(mode) &&
      mode >= 0 &&
      mode <= 0o7777;
    names.add(name);
    if (isRight) continue;
    const problem = 'must be there once, with a size above 0 or null, a group of the pod and permission bits';
    throw new BackendError('invalid-spec', 'check volume', `volume ${name}: ${problem}`);
  }
}

/** @param idBase first id of the pod: the volume's owner is the pod's root. */
export function launchVolumeOf(
  { name, maxBytes, gid, mode, isSwappable }: SandboxVolume,
  idBase: number,
): LaunchVolume {
  return {
    name,
    parameters: [
      ...(maxBytes === null ? [] : [['size', String(maxBytes)] as const]),
      ['mode', mode.toString(8)],
      ['uid', String(idBase)],
      ['gid', String(idBase + gid)],
      ...(isSwappable ? [] : [['noswap', ''] as const]),
    ],
  };
}

/**
 * Finds a volume of a sandbox through the process that holds it, and by whose pid the path leads: it is for use at once,
 * and not to be kept.
 * @throws BackendError `not-found`
 */
export async function volumeDirectory(context: BackendContext, id: string, name: string): Promise<VolumeDirectory> {
  checkVolumeName(name);
  const found = await context.records.sandbox(id);
  const holder = found.state === 'found' ? await livingHolder(context, found.record) : null;
  if (found.state === 'found' && holder !== null)
    return { path: `/proc/${holder.pid}/root/volumes/${name}`, idBase: found.record.idBase ?? 0 };
  throw new BackendError('not-found', 'find volume', `sandbox ${id} does not exist or is dead: create it first`);
}
