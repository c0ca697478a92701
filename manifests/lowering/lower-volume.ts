import type { WrittenPodFile, WrittenSource } from '../kinds/projection.ts';
import type { WrittenVolume, WrittenVolumeMount } from '../kinds/volume.ts';
import type { KeyedSource, PodSource, ProjectedSource, Volume, VolumeMount } from '../volume.ts';
import { expandVariables } from './expand-variables.ts';
import { lowerPodField } from './lower-pod-field.ts';

const DEFAULT_MODE = 0o644;

/** Fills every default of a volume. Each kind of files is a projected volume, however it is written. */
export function lowerVolume({ name, ...source }: WrittenVolume): Volume {
  const { emptyDir, hostPath, persistentVolumeClaim: claim } = source;
  if (hostPath) return { name, type: 'hostPath', path: hostPath.path, hostPathType: hostPath.type ?? '' };
  if (claim)
    return {
      name,
      type: 'persistentVolumeClaim',
      claimName: claim.claimName,
      readOnly: claim.readOnly ?? false,
    };
  const projected = source.configMap ?? source.secret ?? source.downwardAPI ?? source.projected;
  if (projected) {
    return { name, type: 'projected', defaultMode: projected.defaultMode ?? DEFAULT_MODE, sources: sourcesOf(source) };
  }
  return {
    name,
    type: 'emptyDir',
    medium: emptyDir?.medium === 'Memory' ? 'Memory' : 'Disk',
    sizeLimitBytes: emptyDir?.sizeLimit ?? null,
  };
}

function sourcesOf({
  configMap,
  secret,
  downwardAPI,
  projected,
}: Omit<WrittenVolume, 'name'>): readonly ProjectedSource[] {
  if (configMap) return [keyedSource('configMap', configMap)];
  if (secret) return [keyedSource('secret', { ...secret, name: secret.secretName })];
  if (downwardAPI) return [podSource(downwardAPI.items)];
  return (projected?.sources ?? []).flatMap(lowerSource);
}

function lowerSource({ configMap, secret, downwardAPI }: WrittenSource): readonly ProjectedSource[] {
  return [
    ...(configMap ? [keyedSource('configMap', configMap)] : []),
    ...(secret ? [keyedSource('secret', secret)] : []),
    ...(downwardAPI ? [podSource(downwardAPI.items)] : []),
  ];
}

function keyedSource(type: KeyedSource['type'], written: NonNullable<WrittenSource['configMap']>): KeyedSource {
  const items = written.items?.map(({ key, path, mode = null }) => ({ key, path, mode })) ?? null;
  return { type, name: written.name, items, isOptional: written.optional ?? false };
}

function podSource(items: readonly WrittenPodFile[]): PodSource {
  return {
    type: 'downwardAPI',
    items: items.flatMap(({ path, mode = null, ...written }) => {
      const field = lowerPodField(written, '');
      return field === null ? [] : [{ path, mode, field }];
    }),
  };
}

/** @param variables the container's, or null when they are known at its start only. */
export function lowerVolumeMount(
  { name, mountPath, readOnly = false, subPath, subPathExpr, mountPropagation = 'None' }: WrittenVolumeMount,
  variables: ReadonlyMap<string, string> | null,
): VolumeMount {
  const expression = subPathExpr ?? null;
  const isKnown = expression !== null && variables !== null;
  return {
    name,
    mountPath,
    readOnly,
    subPath: isKnown ? expandVariables(expression, variables) : (subPath ?? null),
    subPathExpr: isKnown ? null : expression,
    propagation: mountPropagation === 'None' ? null : mountPropagation,
  };
}
