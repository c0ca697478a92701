import fc from 'fast-check';
import type { Container, PodTemplate, SecurityContext, Volume, Workload } from '../../manifests/index.ts';

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
const portName = fc.stringMatching(/^[a-z]{1,5}(-[a-z0-9]{1,5})?$/);
const labels = fc.dictionary(fc.stringMatching(/^([a-z]{1,5}\.[a-z]{1,3}\/)?[A-Za-z0-9]{1,8}$/), label, { maxKeys: 3 });
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', 'é', '\n', '"', "'", ':', '#', ' ', '-', '\t', '0') }),
  fc.constantFrom('yes', 'null', '~', '1e3', '0x10', 'true', '<<', '*a', '&a', '!t', '---', '|'),
);
const path = fc.array(label, { minLength: 1, maxLength: 3 }).map((parts) => `/srv/${parts.join('/')}`);
const id = fc.option(fc.nat({ max: 65_535 }));
const amount = fc.option(fc.integer({ min: 1, max: 2 ** 42 }));
const number = fc.integer({ min: 1, max: 65_535 });
const words = fc.option(fc.array(text, { minLength: 1, maxLength: 3 }));

/** Of objects that nobody declares, and that may therefore be missing. */
const keyedSource = fc.record({
  type: fc.constantFrom('configMap' as const, 'secret' as const),
  name: label,
  items: fc.option(
    fc.uniqueArray(fc.record({ key: label, path: label, mode: fc.option(fc.nat({ max: 0o777 })) }), {
      selector: ({ path: file }) => file,
      minLength: 1,
      maxLength: 2,
    }),
  ),
  isOptional: fc.constant(true),
});
const field = fc.record({
  type: fc.constant('field' as const),
  fieldPath: fc.constantFrom('metadata.name', "metadata.labels['a.b/c']", 'spec.nodeName'),
});
const podSource = label.chain((file) =>
  fc.record({
    type: fc.constant('downwardAPI' as const),
    items: field.map((it) => [{ path: file, mode: null, field: it }]),
  }),
);
const projectedSource = fc.oneof(keyedSource, podSource);

const volumes: fc.Arbitrary<readonly Volume[]> = fc.uniqueArray(
  fc.oneof(
    fc.record({
      name: label,
      type: fc.constant('emptyDir' as const),
      medium: fc.constantFrom('Disk' as const, 'Memory' as const),
      sizeLimitBytes: fc.option(fc.integer({ min: 1, max: 2 ** 42 })),
    }),
    fc.record({
      name: label,
      type: fc.constant('hostPath' as const),
      path,
      hostPathType: fc.constantFrom('' as const, 'File' as const, 'DirectoryOrCreate' as const),
    }),
    fc.record({
      name: label,
      type: fc.constant('projected' as const),
      defaultMode: fc.nat({ max: 0o777 }),
      sources: fc.array(projectedSource, { minLength: 1, maxLength: 3 }),
    }),
  ),
  { selector: ({ name }) => name, maxLength: 3 },
);

const capabilities = fc.uniqueArray(fc.constantFrom('ALL', 'CHOWN', 'NET_ADMIN', 'SYS_PTRACE'));

function securityContext(supplementalGroups: readonly number[]): fc.Arbitrary<SecurityContext> {
  return fc
    .record({
      privileged: fc.boolean(),
      allowPrivilegeEscalation: fc.boolean(),
      readOnlyRootFilesystem: fc.boolean(),
      runAsNonRoot: fc.boolean(),
      runAsUser: id,
      runAsGroup: id,
      supplementalGroups: fc.constant(supplementalGroups),
      capabilities: fc.record({ add: capabilities.map(sorted), drop: capabilities.map(sorted) }),
      seccompProfile: fc.constantFrom('RuntimeDefault' as const, 'Unconfined' as const, 'Localhost' as const),
      localhostProfile: label.map((name) => `${name}/profile.json`),
      appArmorProfile: fc.option(fc.constantFrom('unconfined', 'shop')),
      seLinuxOptions: fc.option(fc.record({ user: label, role: label, type: label, level: fc.constant('s0:c1,c2') })),
      procMount: fc.constant(null),
      mergesImageGroups: fc.constant(supplementalGroups.length > 1),
    })
    .map((context) => ({
      ...context,
      localhostProfile: context.seccompProfile === 'Localhost' ? context.localhostProfile : null,
    }))
    .filter(({ privileged, allowPrivilegeEscalation }) => !privileged || allowPrivilegeEscalation)
    .filter(({ runAsNonRoot, runAsUser }) => !runAsNonRoot || runAsUser !== 0);
}

/** Those in annotations are of the pod's metadata. */
const moreLimits = fc.record({
  memoryHighBytes: amount,
  swapBytes: amount,
  hugePages2MiBytes: fc.option(fc.nat({ max: 9 }).map((pages) => pages * 2 ** 21)),
  hugePages1GiBytes: fc.option(fc.nat({ max: 9 }).map((pages) => pages * 2 ** 30)),
  ioWeight: fc.option(fc.integer({ min: 10, max: 1_000 })),
  cpus: fc.constant(null),
  mems: fc.constant(null),
  ioDevices: fc.constant([]),
});

const keyRef = fc.record({
  type: fc.constantFrom('configMapKey' as const, 'secretKey' as const),
  name: label,
  key: label,
  isOptional: fc.constant(true),
});

function container(volumeNames: readonly string[], groups: readonly number[]): fc.Arbitrary<Container> {
  const protocol = fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const);
  const port = fc
    .record({
      name: fc.option(portName),
      containerPort: number,
      protocol,
      hostIp: fc.option(fc.constantFrom('192.0.2.1', 'fd42::1')),
    })
    .chain((written) => {
      if (written.protocol === 'SCTP') return fc.constant({ ...written, hostIp: null, hostPort: null });
      return fc.constant({ ...written, hostPort: written.hostIp === null ? null : written.containerPort });
    });
  return fc.record({
    name: label,
    image: label.map((name) => `r.example:5000/team/${name}:1`),
    imagePullPolicy: fc.constantFrom('Always' as const, 'IfNotPresent' as const),
    command: words,
    args: words,
    workingDir: fc.option(path),
    env: fc.uniqueArray(
      fc.oneof(
        fc.record({ name: fc.constantFrom('A', 'B_1', 'c.d'), value: text, valueFrom: fc.constant(null) }),
        fc.record({ name: fc.constantFrom('D', 'E'), value: fc.constant(''), valueFrom: fc.oneof(field, keyRef) }),
      ),
      { selector: ({ name }) => name },
    ),
    envFrom: fc.array(
      fc.record({
        type: fc.constantFrom('configMap' as const, 'secret' as const),
        name: label,
        prefix: fc.constantFrom('', 'P_'),
        isOptional: fc.constant(true),
      }),
      { maxLength: 2 },
    ),
    ports: fc.uniqueArray(port, { selector: ({ name, containerPort }) => name ?? containerPort, maxLength: 2 }),
    resources: fc
      .record({ cpu: amount, memory: amount, pids: fc.integer({ min: 1, max: 4_194_304 }), more: moreLimits })
      .map(({ cpu, memory, pids, more }) => ({
        requests: { cpuMillis: cpu, memoryBytes: memory },
        limits: {
          ...{ ...more, cpuMillis: cpu, memoryBytes: memory, pids },
          swapBytes: memory === null ? null : more.swapBytes,
          memoryHighBytes: memory === null ? more.memoryHighBytes : Math.ceil(memory / 2),
        },
      })),
    volumeMounts: volumeMounts(volumeNames),
    postStart: words,
    preStop: words,
    preStopSleepSeconds: fc.constant(null),
    stopSignal: fc.option(fc.constantFrom('SIGINT', 'SIGUSR1')),
    rlimits: fc.constant([]),
    securityContext: securityContext(groups),
  });
}

function volumeMounts(volumeNames: readonly string[]): fc.Arbitrary<Container['volumeMounts']> {
  if (volumeNames.length === 0) return fc.constant([]);
  const mount = fc.record({
    name: fc.constantFrom(...volumeNames),
    mountPath: path,
    readOnly: fc.boolean(),
    subPath: fc.option(label),
    subPathExpr: fc.constant(null),
    propagation: fc.constant(null),
  });
  return fc.uniqueArray(mount, { selector: ({ mountPath }) => mountPath, maxLength: 2 });
}

const pod: fc.Arbitrary<PodTemplate> = fc
  .tuple(volumes, fc.uniqueArray(fc.nat({ max: 65_535 }), { maxLength: 2 }))
  .chain(([podVolumes, groups]) => {
    const names = podVolumes.map(({ name }) => name);
    const one = container(
      names,
      [...groups].sort((a, b) => a - b),
    );
    return fc
      .tuple(
        fc.uniqueArray(one, { selector: ({ name }) => name, minLength: 1, maxLength: 3 }),
        fc.nat({ max: 2 }),
        fc.boolean(),
      )
      .chain(([all, inits, isSidecar]) =>
        podOf(all, Math.min(inits, all.length - 1), isSidecar, { podVolumes, fsGroup: groups[0] ?? null }),
      );
  });

function podOf(
  all: readonly Container[],
  inits: number,
  isSidecar: boolean,
  { podVolumes, fsGroup }: { readonly podVolumes: readonly Volume[]; readonly fsGroup: number | null },
): fc.Arbitrary<PodTemplate> {
  return fc.record({
    restartPolicy: fc.constant('Always' as const),
    terminationGracePeriodSeconds: fc.nat({ max: 600 }),
    hostNetwork: fc.constant(false),
    networks: fc.constant(null),
    dns: fc.record({
      isWithoutNode: fc.boolean(),
      nameservers: fc.constant(['192.0.2.53']),
      searches: fc.uniqueArray(label, { maxLength: 2 }),
      options: fc.uniqueArray(fc.constantFrom('rotate', 'ndots:3')),
    }),
    hostAliases: fc.array(fc.record({ ip: fc.constantFrom('192.0.2.9', 'fd42::9'), hostnames: fc.constant(['db']) }), {
      maxLength: 2,
    }),
    hostUsers: fc.boolean(),
    shareProcessNamespace: fc.boolean(),
    hostPID: fc.constant(false),
    hostIPC: fc.boolean(),
    sysctls: fc.constant([]),
    hostname: label,
    otherHostnames: fc.constant([]),
    fsGroup: fc.constant(fsGroup),
    fsGroupChangePolicy: fc.constantFrom(null, 'OnRootMismatch' as const),
    volumes: fc.constant(podVolumes),
    initContainers: fc.constant(
      all.slice(0, inits).map((container) => ({
        ...container,
        ...(isSidecar ? {} : { postStart: null }),
        isSidecar,
      })),
    ),
    containers: fc.constant(all.slice(inits)),
  });
}

const common = { namespace: label, name: label, annotations: labels, nodeSelector: labels, pod };

/** Leaves of its host ports those that one pod of a node can have. */
function withPossiblePorts<Any extends Workload>(workload: Any): Any {
  const taken = new Set<string>();
  const possible = <One extends Container>(one: One): One => ({
    ...one,
    ports: one.ports.map((port) => {
      const key = `${port.protocol} ${port.hostPort}`;
      const isTaken = port.hostPort !== null && (workload.replicas > 1 || taken.has(key));
      taken.add(key);
      return isTaken ? { ...port, hostPort: null, hostIp: null } : port;
    }),
  });
  const { initContainers, containers } = workload.pod;
  const pod = { ...workload.pod, initContainers: initContainers.map(possible), containers: containers.map(possible) };
  return { ...workload, pod };
}

/** Any workload in the IR, with small values. */
export const anyWorkload: fc.Arbitrary<Workload> = fc
  .oneof(
    fc.record({
      ...common,
      kind: fc.constant('Pod' as const),
      labels,
      replicas: fc.constant(1),
      update: fc.constant({ type: 'Recreate', maxSurge: 0, maxUnavailable: 1, minReadySeconds: 0 } as const),
    }),
    fc.record({
      ...common,
      kind: fc.constant('Deployment' as const),
      labels: labels.filter((it) => Object.keys(it).length > 0),
      replicas: fc.nat({ max: 9 }),
      update: fc.record({
        type: fc.constant('RollingUpdate' as const),
        maxSurge: fc.nat({ max: 3 }),
        maxUnavailable: fc.integer({ min: 1, max: 3 }),
        minReadySeconds: fc.nat({ max: 60 }),
      }),
    }),
  )
  .map(withPossiblePorts);

function sorted(names: readonly string[]): readonly string[] {
  return [...names].sort();
}
