import type { z } from 'zod';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';
import type { WrittenContainer } from './container.ts';
import { reportDuplicates } from './duplicates.ts';
import type { PodSecurityContext } from './security-context.ts';
import type { WrittenVolume } from './volume.ts';

/** The part of a pod spec whose fields depend on each other. */
interface CheckedPodSpec {
  readonly containers: readonly WrittenContainer[];
  readonly volumes?: readonly WrittenVolume[] | undefined;
  readonly securityContext?: PodSecurityContext | undefined;
  readonly hostUsers?: boolean | undefined;
}

/** Reports what is wrong between the fields of a pod spec whose fields are each right. */
export function checkPodSpec(spec: CheckedPodSpec, context: z.RefinementCtx): void {
  reportDuplicates(context, {
    what: 'container name',
    items: spec.containers,
    keyOf: ({ name }) => name,
    stepsTo: (index) => ['containers', index, 'name'],
  });
  reportDuplicates(context, {
    what: 'volume name',
    items: spec.volumes ?? [],
    keyOf: ({ name }) => name,
    stepsTo: (index) => ['volumes', index, 'name'],
  });
  checkMounts(spec, context);
  checkNonRoot(spec, context);
  if (spec.hostUsers !== true) checkMappedIds(spec, context);
}

function checkMounts({ containers, volumes = [] }: CheckedPodSpec, context: z.RefinementCtx): void {
  const names = volumes.map(({ name }) => name);
  for (const [index, { volumeMounts = [] }] of containers.entries()) {
    for (const [mountIndex, { name }] of volumeMounts.entries()) {
      if (names.includes(name)) continue;
      const meant = nearest(name, names);
      const hint = meant === null ? 'add it to `volumes`' : `did you mean ${quoted(meant)}?`;
      context.addIssue({
        code: 'custom',
        path: ['containers', index, 'volumeMounts', mountIndex, 'name'],
        message: `the pod has no volume ${quoted(name)}; ${hint}`,
      });
    }
  }
}

function checkNonRoot({ containers, securityContext: pod }: CheckedPodSpec, context: z.RefinementCtx): void {
  for (const [index, { securityContext: own }] of containers.entries()) {
    const isNonRoot = own?.runAsNonRoot ?? pod?.runAsNonRoot;
    if (!isNonRoot || (own?.runAsUser ?? pod?.runAsUser) !== 0) continue;
    const path =
      own?.runAsUser === 0 ? ['containers', index, 'securityContext', 'runAsUser'] : ['securityContext', 'runAsUser'];
    context.addIssue({
      code: 'custom',
      path,
      message: 'is root (0) although `runAsNonRoot` is true; choose another user',
    });
  }
}

/** The range of ids a pod's own user namespace maps. */
const MAPPED_IDS = 65_536;

function checkMappedIds({ containers, securityContext: pod }: CheckedPodSpec, context: z.RefinementCtx): void {
  const check = (id: number | undefined, path: (string | number)[]): void => {
    if (id === undefined || id < MAPPED_IDS) return;
    const message = `must be at most ${MAPPED_IDS - 1} in a user namespace of its own; lower it, or set \`hostUsers: true\``;
    context.addIssue({ code: 'custom', path, message });
  };
  for (const field of ['runAsUser', 'runAsGroup'] as const) {
    check(pod?.[field], ['securityContext', field]);
    for (const [index, { securityContext: own }] of containers.entries()) {
      check(own?.[field], ['containers', index, 'securityContext', field]);
    }
  }
  for (const [index, group] of (pod?.supplementalGroups ?? []).entries()) {
    check(group, ['securityContext', 'supplementalGroups', index]);
  }
}
