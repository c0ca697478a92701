import type { NodeStatus, VolumeStatus } from '../../manifests/index.ts';
import { plain, showBytes, table } from './print.ts';

/** A volume of the node with what only a look at the disk tells. */
export interface MeasuredVolume extends VolumeStatus {
  /** Where its data is. */
  readonly path: string;
  /** Null where measuring it takes too long. */
  readonly usedBytes: number | null;
}

/** @returns the volumes for people, with what to do about those that are kept for nobody; nothing without any. */
export function showVolumes(
  volumes: readonly MeasuredVolume[],
  { volumeObstacle = null }: Pick<NodeStatus, 'volumeObstacle'>,
): string {
  if (volumes.length === 0) return '';
  const rows = volumes.map(({ namespace, name, state, storageBytes, usedBytes, isBounded, path }) => [
    `${namespace}/${name}`,
    state,
    storageBytes === 0 ? '-' : showBytes(storageBytes),
    usedBytes === null ? '-' : showBytes(usedBytes),
    isBounded ? 'yes' : 'no',
    path,
  ]);
  const kept = volumes.filter(({ state }) => state === 'Retained').map(({ namespace, name }) => `${namespace}/${name}`);
  return [
    '\n',
    table(['VOLUME', 'STATE', 'SIZE', 'USED', 'BOUNDED', 'PATH'], rows),
    volumeObstacle === null ? '' : `WARN  volumes can outgrow their size: ${plain(volumeObstacle)}\n`,
    kept.length === 0
      ? ''
      : `Git does not declare ${kept.join(', ')} any more; \`holdfast volume rm\` deletes what is kept\n`,
  ].join('');
}
