import {
  type Container,
  type EnvSource,
  isKnownAtStart,
  type PodField,
  type PodTemplate,
  type ProjectedSource,
  type SecurityContext,
  type Volume,
  type Workload,
} from '../../manifests/index.ts';

/** Writes a workload back as a Kubernetes manifest (plain JSON) that says everything and leaves no default to fill. */
export function writtenManifest(workload: Workload): object {
  const { kind, namespace, name, labels, annotations } = workload;
  const metadata = { name, namespace, labels, annotations };
  const spec = writtenPod(workload);
  if (kind === 'Pod') return { apiVersion: 'v1', kind, metadata, spec };
  const { type, maxSurge, maxUnavailable, minReadySeconds } = workload.update;
  const strategy = type === 'Recreate' ? { type } : { type, rollingUpdate: { maxSurge, maxUnavailable } };
  const template = { metadata: { labels, annotations }, spec };
  const selector = { matchLabels: labels };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata,
    spec: { replicas: workload.replicas, minReadySeconds, strategy, selector, template },
  };
}

function writtenPod({ nodeSelector, pod }: Workload): object {
  const {
    volumes,
    initContainers,
    containers,
    fsGroup,
    fsGroupChangePolicy,
    sysctls,
    dns,
    networks: _,
    otherHostnames: __,
    ...rest
  } = pod;
  const { isWithoutNode, options, ...servers } = dns;
  return {
    ...rest,
    dnsPolicy: isWithoutNode ? 'None' : 'Default',
    dnsConfig: {
      ...servers,
      options: options.map((option) => {
        const [name, value = null] = option.split(':');
        return { name, ...present({ value }) };
      }),
    },
    nodeSelector,
    securityContext: {
      supplementalGroups: pod.containers[0]?.securityContext.supplementalGroups ?? [],
      supplementalGroupsPolicy: pod.containers[0]?.securityContext.mergesImageGroups ? 'Merge' : 'Strict',
      sysctls,
      ...present({ fsGroup, fsGroupChangePolicy }),
    },
    volumes: volumes.map(writtenVolume),
    initContainers: initContainers.map(({ isSidecar, ...container }) => ({
      ...writtenContainer(container),
      ...(isSidecar ? { restartPolicy: 'Always' } : {}),
    })),
    containers: containers.map(writtenContainer),
  } satisfies Partial<Record<keyof PodTemplate, unknown>> & Record<string, unknown>;
}

function writtenVolume(volume: Volume): object {
  if (volume.type === 'hostPath') {
    return { name: volume.name, hostPath: { path: volume.path, type: volume.hostPathType } };
  }
  if (volume.type === 'persistentVolumeClaim') {
    const { name, claimName, readOnly } = volume;
    return { name, persistentVolumeClaim: { claimName, readOnly } };
  }
  if (volume.type === 'projected') {
    const { name, defaultMode, sources } = volume;
    return { name, projected: { defaultMode, sources: sources.map(writtenSource) } };
  }
  const medium = volume.medium === 'Memory' ? 'Memory' : '';
  return { name: volume.name, emptyDir: { medium, ...present({ sizeLimit: volume.sizeLimitBytes }) } };
}

function writtenSource(source: ProjectedSource): object {
  if (source.type === 'downwardAPI') {
    const items = source.items.map(({ path, mode, field }) => ({ path, ...present({ mode }), ...writtenField(field) }));
    return { downwardAPI: { items } };
  }
  const { type, name, isOptional } = source;
  const items = source.items?.map(({ key, path, mode }) => ({ key, path, ...present({ mode }) })) ?? null;
  return { [type]: { name, optional: isOptional, ...present({ items }) } };
}

function writtenField(field: PodField): object {
  if (field.type === 'field') return { fieldRef: { fieldPath: field.fieldPath } };
  const { container: containerName, resource, divisor } = field;
  return { resourceFieldRef: { containerName, resource, divisor } };
}

function writtenEnvSource(source: EnvSource): object {
  if (source.type === 'field' || source.type === 'resource') return writtenField(source);
  const { type, name, key, isOptional } = source;
  return { [`${type}Ref`]: { name, key, optional: isOptional } };
}

function writtenContainer(container: Container): object {
  const { command, args, workingDir, env, envFrom, ports, resources, securityContext, ...others } = container;
  const { postStart, preStop, preStopSleepSeconds, stopSignal, volumeMounts, rlimits: _rlimits, ...rest } = others;
  // What is known at the start only is kept as it is written.
  const literal = isKnownAtStart(container) ? (text: string): string => text : escaped;
  const { requests, limits } = resources;
  return {
    ...rest,
    ...present({ workingDir, command: command?.map(literal) ?? null, args: args?.map(literal) ?? null }),
    lifecycle: present({
      postStart: postStart && { exec: { command: postStart } },
      preStop: preStop
        ? { exec: { command: preStop } }
        : preStopSleepSeconds && { sleep: { seconds: preStopSleepSeconds } },
      stopSignal,
    }),
    env: env.map(({ name, value, valueFrom }) => ({
      name,
      ...(valueFrom === null ? { value: literal(value) } : { valueFrom: writtenEnvSource(valueFrom) }),
    })),
    envFrom: envFrom.map(({ type, name, prefix, isOptional }) => ({
      ...(prefix === '' ? {} : { prefix }),
      [`${type}Ref`]: { name, optional: isOptional },
    })),
    volumeMounts: volumeMounts.map(({ subPath, subPathExpr, propagation, ...mount }) => ({
      ...mount,
      ...present({ subPath, subPathExpr, mountPropagation: propagation }),
    })),
    ports: ports.map(({ name, hostPort, hostIp, ...port }) => ({
      ...port,
      ...present({ name, hostPort, hostIP: hostIp }),
    })),
    resources: {
      requests: present({
        cpu: milli(requests.cpuMillis),
        memory: requests.memoryBytes,
        'holdfast.dev/io-weight': limits.ioWeight,
      }),
      limits: present({
        cpu: milli(limits.cpuMillis),
        memory: limits.memoryBytes,
        'hugepages-2Mi': limits.hugePages2MiBytes,
        'hugepages-1Gi': limits.hugePages1GiBytes,
        'holdfast.dev/pids': limits.pids,
        'holdfast.dev/swap': limits.swapBytes,
        'holdfast.dev/memory-high': limits.memoryHighBytes,
      }),
    },
    securityContext: writtenSecurity(securityContext),
  };
}

function writtenSecurity(context: SecurityContext): object {
  const { runAsUser, runAsGroup, supplementalGroups: _, mergesImageGroups: __, ...others } = context;
  const { seccompProfile, localhostProfile, appArmorProfile, seLinuxOptions, procMount, ...security } = others;
  const appArmor =
    appArmorProfile === 'unconfined'
      ? { type: 'Unconfined' }
      : appArmorProfile && { type: 'Localhost', localhostProfile: appArmorProfile };
  return {
    ...security,
    ...present({ runAsUser, runAsGroup, seLinuxOptions, procMount, appArmorProfile: appArmor }),
    seccompProfile: { type: seccompProfile, ...present({ localhostProfile }) },
  };
}

/** Text that expands to itself. */
function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function milli(cpuMillis: number | null): string | null {
  return cpuMillis === null ? null : `${cpuMillis}m`;
}

function present(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
