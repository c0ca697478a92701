import type * as z from 'zod';
import { quoted } from '../text/quoted.ts';
import type { WrittenContainer } from './container.ts';
import { reportDuplicates } from './duplicates.ts';
import type { PodSecurityContext } from './security-context.ts';
import { sysctlNamespace } from './sysctls.ts';
import type { WrittenVolume } from './volume.ts';
import { checkVolumes } from './volume-checks.ts';

/** The part of a pod spec whose fields depend on each other. */
interface CheckedPodSpec {
  readonly initContainers?: readonly WrittenContainer[] | undefined;
  readonly containers: readonly WrittenContainer[];
  readonly volumes?: readonly WrittenVolume[] | undefined;
  readonly securityContext?: PodSecurityContext | undefined;
  readonly hostUsers?: boolean | undefined;
  readonly hostNetwork?: boolean | undefined;
  readonly dnsPolicy?: string | undefined;
  readonly dnsConfig?: { readonly nameservers?: readonly string[] | undefined } | undefined;
  readonly hostPID?: boolean | undefined;
  readonly hostIPC?: boolean | undefined;
  readonly shareProcessNamespace?: boolean | undefined;
}

/** Reports what is wrong between the fields of a pod spec whose fields are each right. */
export function checkPodSpec(spec: CheckedPodSpec, context: z.RefinementCtx): void {
  reportDuplicates(context, {
    what: 'container name',
    items: listed(spec),
    keyOf: ({ container }) => container.name,
    stepsTo: (index) => [...(listed(spec)[index]?.steps ?? []), 'name'],
  });
  reportDuplicates(context, {
    what: 'volume name',
    items: spec.volumes ?? [],
    keyOf: ({ name }) => name,
    stepsTo: (index) => ['volumes', index, 'name'],
  });
  checkHostPorts(spec, context);
  if (spec.dnsPolicy === 'None' && !spec.dnsConfig?.nameservers?.length) {
    const message = 'needs `dnsConfig.nameservers`; add them, or choose another';
    context.addIssue({ code: 'custom', path: ['dnsPolicy'], message });
  }
  checkVolumes({ volumes: spec.volumes ?? [], containers: listed(spec), hostUsers: spec.hostUsers === true }, context);
  checkNonRoot(spec, context);
  if (spec.hostUsers !== true) checkMappedIds(spec, context);
  checkNamespaces(spec, context);
}

interface ListedContainer {
  readonly container: WrittenContainer;
  /** Where it is in the pod spec. */
  readonly steps: readonly (string | number)[];
}

/** Every container, of both lists. */
function listed({ initContainers = [], containers }: CheckedPodSpec): readonly ListedContainer[] {
  return [
    ...initContainers.map((container, index) => ({ container, steps: ['initContainers', index] })),
    ...containers.map((container, index) => ({ container, steps: ['containers', index] })),
  ];
}

function checkHostPorts(spec: CheckedPodSpec, context: z.RefinementCtx): void {
  const ports = listed(spec).flatMap(({ container, steps }) =>
    (container.ports ?? []).map((port, index) => ({ ...port, steps: [...steps, 'ports', index, 'hostPort'] })),
  );
  const seen: typeof ports = [];
  for (const port of ports.filter(({ hostPort }) => hostPort !== undefined)) {
    const complain = (message: string): void => context.addIssue({ code: 'custom', path: port.steps, message });
    if (spec.hostNetwork && port.hostPort !== port.containerPort)
      complain('must equal `containerPort` with `hostNetwork: true`, where no port is translated');
    const isTaken = seen.some(
      (other) =>
        other.hostPort === port.hostPort &&
        (other.protocol ?? 'TCP') === (port.protocol ?? 'TCP') &&
        (other.hostIP == null || port.hostIP == null || other.hostIP === port.hostIP),
    );
    if (isTaken) complain(`host port ${port.hostPort} is used twice; keep one, or choose another`);
    seen.push(port);
  }
}

function checkNonRoot(spec: CheckedPodSpec, context: z.RefinementCtx): void {
  const { securityContext: pod } = spec;
  for (const { container, steps } of listed(spec)) {
    const own = container.securityContext;
    const isNonRoot = own?.runAsNonRoot ?? pod?.runAsNonRoot;
    if (!isNonRoot || (own?.runAsUser ?? pod?.runAsUser) !== 0) continue;
    const path = own?.runAsUser === 0 ? [...steps, 'securityContext', 'runAsUser'] : ['securityContext', 'runAsUser'];
    context.addIssue({
      code: 'custom',
      path,
      message: 'is root (0) although `runAsNonRoot` is true; choose another user',
    });
  }
}

/** Reports what is asked of a namespace that the pod shares with the node, where it would be the node's. */
function checkNamespaces(spec: CheckedPodSpec, context: z.RefinementCtx): void {
  if (spec.hostPID && spec.shareProcessNamespace) {
    const message = 'has no meaning beside `hostPID: true`; remove one of the two';
    context.addIssue({ code: 'custom', path: ['shareProcessNamespace'], message });
  }
  const shared = { ipc: spec.hostIPC ? 'hostIPC' : null, network: spec.hostNetwork ? 'hostNetwork' : null };
  for (const [index, { name }] of (spec.securityContext?.sysctls ?? []).entries()) {
    const namespace = sysctlNamespace(name);
    const field = namespace === null ? null : shared[namespace];
    if (field === null) continue;
    const message = `${quoted(name)} would be the node’s with \`${field}: true\`; remove one of the two`;
    context.addIssue({ code: 'custom', path: ['securityContext', 'sysctls', index, 'name'], message });
  }
  for (const { container, steps } of listed(spec)) {
    const field = spec.hostUsers ? 'hostUsers' : 'hostPID';
    if (container.securityContext?.procMount !== 'Unmasked' || !spec[field]) continue;
    const message = `cannot be \`Unmasked\` with \`${field}: true\`, where it would show the node’s; remove one of the two`;
    context.addIssue({ code: 'custom', path: [...steps, 'securityContext', 'procMount'], message });
  }
}

/** The range of ids a pod's own user namespace maps. */
const MAPPED_IDS = 65_536;

function checkMappedIds(spec: CheckedPodSpec, context: z.RefinementCtx): void {
  const { securityContext: pod } = spec;
  const check = (id: number | undefined, path: (string | number)[]): void => {
    if (id === undefined || id < MAPPED_IDS) return;
    const message = `must be at most ${MAPPED_IDS - 1} in a user namespace of its own; lower it, or set \`hostUsers: true\``;
    context.addIssue({ code: 'custom', path, message });
  };
  for (const field of ['runAsUser', 'runAsGroup'] as const) {
    check(pod?.[field], ['securityContext', field]);
    for (const { container, steps } of listed(spec)) {
      check(container.securityContext?.[field], [...steps, 'securityContext', field]);
    }
  }
  check(pod?.fsGroup, ['securityContext', 'fsGroup']);
  for (const [index, group] of (pod?.supplementalGroups ?? []).entries()) {
    check(group, ['securityContext', 'supplementalGroups', index]);
  }
}
