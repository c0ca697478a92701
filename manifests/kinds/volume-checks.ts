import type * as z from 'zod';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';
import type { WrittenContainer } from './container.ts';
import type { WrittenResourceField } from './pod-field.ts';
import type { WrittenVolume } from './volume.ts';

type Steps = readonly (string | number)[];

/** A container with where it is in the pod spec. */
interface ListedContainer {
  readonly container: WrittenContainer;
  readonly steps: Steps;
}

/** The part of a pod spec that volumes have to do with. */
interface VolumePod {
  readonly volumes: readonly WrittenVolume[];
  readonly containers: readonly ListedContainer[];
  readonly hostUsers: boolean;
}

/** Reports mounts of volumes that are not there, or not so, and fields of containers that are not there. */
export function checkVolumes(pod: VolumePod, context: z.RefinementCtx): void {
  const report = (path: Steps, message: string): void => context.addIssue({ code: 'custom', path: [...path], message });
  for (const listed of pod.containers) {
    for (const index of (listed.container.volumeMounts ?? []).keys()) checkMount(pod, listed, index, report);
  }
  for (const { field, steps, own } of resourceFields(pod)) checkResource(pod, field, { steps, own, report });
}

type Report = (path: Steps, message: string) => void;

function checkMount(pod: VolumePod, { container, steps }: ListedContainer, index: number, report: Report): void {
  const mount = container.volumeMounts?.[index];
  if (!mount) return;
  const at = [...steps, 'volumeMounts', index];
  const volume = pod.volumes.find(({ name }) => name === mount.name);
  if (!volume) {
    const meant = nearest(
      mount.name,
      pod.volumes.map(({ name }) => name),
    );
    const hint = meant === null ? 'add it to `volumes`' : `did you mean ${quoted(meant)}?`;
    report([...at, 'name'], `the pod has no volume ${quoted(mount.name)}; ${hint}`);
    return;
  }
  const propagation = mount.mountPropagation ?? 'None';
  if (propagation === 'None') return;
  const path = [...at, 'mountPropagation'];
  if (volume.hostPath === undefined)
    report(path, 'has a meaning for `hostPath` volumes only; nobody mounts in others. Remove it');
  else if (propagation === 'Bidirectional' && container.securityContext?.privileged !== true)
    report(path, '`Bidirectional` changes the mounts of the node: only a privileged container may have it');
  else if (propagation === 'Bidirectional' && !pod.hostUsers)
    report(
      path,
      '`Bidirectional` cannot reach out of a user namespace of its own; set `hostUsers: true`, or remove it',
    );
}

interface ListedResource {
  readonly field: WrittenResourceField;
  readonly steps: Steps;
  /** The container it is written in; null for a file. */
  readonly own: string | null;
}

function resourceFields({ volumes, containers }: VolumePod): readonly ListedResource[] {
  const files = volumes.flatMap(({ downwardAPI, projected }, volume) => [
    ...podFiles(downwardAPI?.items, ['volumes', volume, 'downwardAPI']),
    ...(projected?.sources ?? []).flatMap((source, index) =>
      podFiles(source.downwardAPI?.items, ['volumes', volume, 'projected', 'sources', index, 'downwardAPI']),
    ),
  ]);
  const variables = containers.flatMap(({ container, steps }) =>
    (container.env ?? []).flatMap(({ valueFrom }, index): readonly ListedResource[] => {
      const field = valueFrom?.resourceFieldRef;
      const at = [...steps, 'env', index, 'valueFrom', 'resourceFieldRef'];
      return field === undefined ? [] : [{ field, steps: at, own: container.name }];
    }),
  );
  return [...files, ...variables];
}

type PodFiles = NonNullable<WrittenVolume['downwardAPI']>['items'];

function podFiles(items: PodFiles | undefined, steps: Steps): readonly ListedResource[] {
  return (items ?? []).flatMap(({ resourceFieldRef: field }, index) =>
    field === undefined ? [] : [{ field, steps: [...steps, 'items', index, 'resourceFieldRef'], own: null }],
  );
}

function checkResource(
  { containers }: VolumePod,
  { containerName, resource }: WrittenResourceField,
  { steps, own, report }: { readonly steps: Steps; readonly own: string | null; readonly report: Report },
): void {
  const name = containerName ?? own;
  if (name === null) {
    report(steps, 'must say which container it means; add `containerName`');
    return;
  }
  const found = containers.find(({ container }) => container.name === name)?.container;
  if (!found) {
    report([...steps, 'containerName'], `the pod has no container ${quoted(name)}`);
    return;
  }
  const kind = resource.endsWith('.cpu') ? 'cpu' : 'memory';
  const limit = found.resources?.limits?.[kind];
  const amount = resource.startsWith('requests.') ? (found.resources?.requests?.[kind] ?? limit) : limit;
  if (amount !== undefined) return;
  report([...steps, 'resource'], `container ${quoted(name)} has no ${quoted(resource)}; set it, or remove this`);
}
