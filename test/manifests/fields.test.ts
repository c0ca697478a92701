import { describe, expect, test } from '@jest/globals';
import { parseManifests, type Workload } from '../../manifests/index.ts';
import { deploymentText, NO_MORE_LIMITS, type PodLines, podText } from './manifest-texts.ts';

function workloadOf(text: string): Workload {
  const { workloads, problems } = parseManifests([{ path: 'web.yaml', text }]);
  expect(problems).toEqual([]);
  expect(workloads).toHaveLength(1);
  return workloads[0]?.workload as Workload;
}

describe('a Pod with nothing but its name and image', () => {
  test('has every default filled in', () => {
    expect(workloadOf(podText())).toEqual({
      kind: 'Pod',
      namespace: 'default',
      name: 'web',
      labels: {},
      annotations: {},
      nodeSelector: {},
      replicas: 1,
      update: { type: 'Recreate', maxSurge: 0, maxUnavailable: 1, minReadySeconds: 0 },
      pod: {
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        hostNetwork: false,
        networks: null,
        dns: { isWithoutNode: false, nameservers: [], searches: [], options: [] },
        hostAliases: [],
        otherHostnames: [],
        hostUsers: false,
        shareProcessNamespace: false,
        hostPID: false,
        hostIPC: false,
        sysctls: [],
        initContainers: [],
        hostname: 'web',
        fsGroup: null,
        fsGroupChangePolicy: null,
        volumes: [],
        containers: [
          {
            name: 'web',
            image: 'docker.io/library/nginx:latest',
            imagePullPolicy: 'Always',
            command: null,
            args: null,
            workingDir: null,
            env: [],
            envFrom: [],
            ports: [],
            resources: {
              requests: { cpuMillis: null, memoryBytes: null },
              limits: { ...NO_MORE_LIMITS, cpuMillis: null, memoryBytes: null, pids: 1024 },
            },
            volumeMounts: [],
            postStart: null,
            preStop: null,
            preStopSleepSeconds: null,
            stopSignal: null,
            rlimits: [],
            securityContext: {
              privileged: false,
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: false,
              runAsNonRoot: false,
              runAsUser: null,
              runAsGroup: null,
              supplementalGroups: [],
              capabilities: { add: [], drop: [] },
              seccompProfile: 'RuntimeDefault',
              localhostProfile: null,
              appArmorProfile: null,
              seLinuxOptions: null,
              procMount: null,
              mergesImageGroups: false,
            },
          },
        ],
      },
    });
  });
});

describe('metadata and pod spec fields', () => {
  test.each<[string, PodLines, object]>([
    ['namespace', { metadata: 'namespace: shop' }, { namespace: 'shop' }],
    ['labels', { metadata: 'labels: { a.b/c: "1", d: "" }' }, { labels: { 'a.b/c': '1', d: '' } }],
    ['annotations', { metadata: 'annotations: { a.b/c: any text! }' }, { annotations: { 'a.b/c': 'any text!' } }],
    ['nodeSelector', { spec: 'nodeSelector: { role: edge }' }, { nodeSelector: { role: 'edge' } }],
    ['restartPolicy', { spec: 'restartPolicy: OnFailure' }, { pod: { restartPolicy: 'OnFailure' } }],
    ['grace', { spec: 'terminationGracePeriodSeconds: 0' }, { pod: { terminationGracePeriodSeconds: 0 } }],
    ['hostNetwork', { spec: 'hostNetwork: true' }, { pod: { hostNetwork: true } }],
    ['no network', { metadata: 'annotations: { holdfast.dev/networks: none }' }, { pod: { networks: 'none' } }],
    ['networks left empty', { metadata: 'annotations: { holdfast.dev/networks: "" }' }, { pod: { networks: 'none' } }],
    [
      'the network of all, by name',
      { metadata: 'annotations: { holdfast.dev/networks: default }' },
      { pod: { networks: null } },
    ],
    ['dnsPolicy', { spec: 'dnsPolicy: Default' }, { pod: { dns: { isWithoutNode: false } } }],
    [
      'dnsConfig',
      {
        spec: 'dnsPolicy: None\ndnsConfig: { nameservers: [192.0.2.53], searches: [a.example], options: [{ name: ndots, value: "2" }, { name: rotate }] }',
      },
      {
        pod: {
          dns: {
            isWithoutNode: true,
            nameservers: ['192.0.2.53'],
            searches: ['a.example'],
            options: ['ndots:2', 'rotate'],
          },
        },
      },
    ],
    [
      'hostAliases',
      { spec: 'hostAliases: [{ ip: 192.0.2.9, hostnames: [db, db.example] }]' },
      { pod: { hostAliases: [{ ip: '192.0.2.9', hostnames: ['db', 'db.example'] }] } },
    ],
    ['hostUsers', { spec: 'hostUsers: true' }, { pod: { hostUsers: true } }],
    ['hostname', { spec: 'hostname: front' }, { pod: { hostname: 'front' } }],
    [
      'subdomain',
      { spec: 'hostname: front\nsubdomain: shop' },
      {
        pod: {
          hostname: 'front',
          otherHostnames: [
            ...['front.shop.default.svc.cluster.local', 'front.shop', 'front.shop.default'],
            'front.shop.default.svc',
          ],
        },
      },
    ],
    [
      'setHostnameAsFQDN',
      { spec: 'subdomain: shop\nsetHostnameAsFQDN: true' },
      {
        pod: {
          hostname: 'web.shop.default.svc.cluster.local',
          otherHostnames: ['web', 'web.shop', 'web.shop.default', 'web.shop.default.svc'],
        },
      },
    ],
    ['setHostnameAsFQDN of no subdomain', { spec: 'setHostnameAsFQDN: true' }, { pod: {} }],
    [
      'emptyDir volumes',
      { spec: 'volumes: [{ name: a, emptyDir: {} }, { name: b, emptyDir: { medium: Memory, sizeLimit: 1Mi } }]' },
      {
        pod: {
          volumes: [
            { name: 'a', type: 'emptyDir', medium: 'Disk', sizeLimitBytes: null },
            { name: 'b', type: 'emptyDir', medium: 'Memory', sizeLimitBytes: 2 ** 20 },
          ],
        },
      },
    ],
    [
      'hostPath volumes',
      {
        spec: 'volumes: [{ name: a, hostPath: { path: /srv/ } }, { name: b, hostPath: { path: /, type: Directory } }]',
      },
      {
        pod: {
          volumes: [
            { name: 'a', type: 'hostPath', path: '/srv', hostPathType: '' },
            { name: 'b', type: 'hostPath', path: '/', hostPathType: 'Directory' },
          ],
        },
      },
    ],
  ])('%s', (_, lines, expected) => {
    expect(workloadOf(podText(lines))).toMatchObject(expected);
  });
});

describe('container fields', () => {
  test.each<[string, string, object]>([
    [
      'image with a tag',
      'image: nginx:1.27',
      { image: 'docker.io/library/nginx:1.27', imagePullPolicy: 'IfNotPresent' },
    ],
    [
      'image with a digest',
      `image: r.example/a@sha256:${'0'.repeat(64)}`,
      { image: `r.example/a@sha256:${'0'.repeat(64)}`, imagePullPolicy: 'IfNotPresent' },
    ],
    ['imagePullPolicy', 'imagePullPolicy: IfNotPresent', { imagePullPolicy: 'IfNotPresent' }],
    ['command', 'command: [a, "1"]', { command: ['a', '1'], args: null }],
    ['empty command', 'command: []', { command: null }],
    ['args', 'args: [a]', { args: ['a'], command: null }],
    ['workingDir', 'workingDir: /srv/app/', { workingDir: '/srv/app' }],
    ['env without a value', 'env: [{ name: A }]', { env: [{ name: 'A', value: '', valueFrom: null }] }],
    [
      'env that YAML 1.1 read as a boolean',
      'env: [{ name: A, value: yes }]',
      { env: [{ name: 'A', value: 'yes', valueFrom: null }] },
    ],
    [
      'variables',
      'env: [{ name: A, value: a }, { name: B, value: $(A)$(C)$$(A) }, { name: C, value: c }]\nargs: [$(B), $(C), $(D)]',
      {
        env: [
          { name: 'A', value: 'a', valueFrom: null },
          { name: 'B', value: 'a$(C)$(A)', valueFrom: null },
          { name: 'C', value: 'c', valueFrom: null },
        ],
        args: ['a$(C)$(A)', 'c', '$(D)'],
      },
    ],
    [
      'ports',
      'ports: [{ containerPort: 80 }, { name: dns, containerPort: 53, protocol: UDP }]',
      {
        ports: [
          { name: null, containerPort: 80, protocol: 'TCP', hostPort: null, hostIp: null },
          { name: 'dns', containerPort: 53, protocol: 'UDP', hostPort: null, hostIp: null },
        ],
      },
    ],
    [
      'published ports',
      'ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 53, hostPort: 53, protocol: UDP, hostIP: "FD42:0::1" }, { containerPort: 53, hostPort: 54, hostIP: 0.0.0.0 }]',
      {
        ports: [
          { name: null, containerPort: 80, protocol: 'TCP', hostPort: 8080, hostIp: null },
          { name: null, containerPort: 53, protocol: 'UDP', hostPort: 53, hostIp: 'fd42::1' },
          { name: null, containerPort: 53, protocol: 'TCP', hostPort: 54, hostIp: null },
        ],
      },
    ],
    [
      'limits, which requests default to',
      'resources: { limits: { cpu: 0.5, memory: 128Mi, holdfast.dev/pids: 10 } }',
      {
        resources: {
          requests: { cpuMillis: 500, memoryBytes: 134_217_728 },
          limits: { ...NO_MORE_LIMITS, cpuMillis: 500, memoryBytes: 134_217_728, pids: 10 },
        },
      },
    ],
    [
      'requests',
      'resources: { requests: { cpu: 100m, memory: 1e3 }, limits: { memory: 1k } }',
      {
        resources: {
          requests: { cpuMillis: 100, memoryBytes: 1000 },
          limits: { ...NO_MORE_LIMITS, cpuMillis: null, memoryBytes: 1000, pids: 1024 },
        },
      },
    ],
    [
      'limits that Kubernetes has no words for, and huge pages',
      `resources:
  requests: { hugepages-2Mi: 4Mi, holdfast.dev/io-weight: 200 }
  limits: { memory: 1Gi, hugepages-2Mi: 4Mi, hugepages-1Gi: 0, holdfast.dev/swap: 64Mi, holdfast.dev/memory-high: 512Mi }`,
      {
        resources: {
          requests: { cpuMillis: null, memoryBytes: 2 ** 30 },
          limits: {
            ...{ ...NO_MORE_LIMITS, cpuMillis: null, memoryBytes: 2 ** 30, pids: 1024, ioWeight: 200 },
            ...{ hugePages2MiBytes: 2 ** 22, hugePages1GiBytes: 0, swapBytes: 2 ** 26, memoryHighBytes: 2 ** 29 },
          },
        },
      },
    ],
    [
      'privileged',
      'securityContext: { privileged: true }',
      { securityContext: { privileged: true, allowPrivilegeEscalation: true } },
    ],
    [
      'allowPrivilegeEscalation',
      'securityContext: { allowPrivilegeEscalation: true }',
      { securityContext: { allowPrivilegeEscalation: true } },
    ],
    [
      'readOnlyRootFilesystem',
      'securityContext: { readOnlyRootFilesystem: true }',
      { securityContext: { readOnlyRootFilesystem: true } },
    ],
    [
      'user and group',
      'securityContext: { runAsUser: 1, runAsGroup: 2 }',
      { securityContext: { runAsUser: 1, runAsGroup: 2 } },
    ],
    ['runAsNonRoot', 'securityContext: { runAsNonRoot: true }', { securityContext: { runAsNonRoot: true } }],
    [
      'seccompProfile',
      'securityContext: { seccompProfile: { type: Unconfined } }',
      { securityContext: { seccompProfile: 'Unconfined' } },
    ],
    [
      'capabilities',
      'securityContext: { capabilities: { add: [cap_net_raw, CHOWN, NET_RAW], drop: [all] } }',
      { securityContext: { capabilities: { add: ['CHOWN', 'NET_RAW'], drop: ['ALL'] } } },
    ],
  ])('%s', (_, container, expected) => {
    expect(workloadOf(podText({ container })).pod.containers[0]).toMatchObject(expected);
  });

  test('security context of the pod holds where the container has none of its own', () => {
    const spec =
      'securityContext: { runAsUser: 7, runAsGroup: 8, runAsNonRoot: true, supplementalGroups: [30, 4, 30], seccompProfile: { type: Unconfined } }';
    const container = 'securityContext: { runAsUser: 9, seccompProfile: { type: RuntimeDefault } }';
    expect(workloadOf(podText({ spec, container })).pod.containers[0]?.securityContext).toMatchObject({
      runAsUser: 9,
      runAsGroup: 8,
      runAsNonRoot: true,
      supplementalGroups: [4, 30],
      seccompProfile: 'RuntimeDefault',
    });
  });
});

describe('Deployment fields', () => {
  test.each<[string, string, object]>([
    ['replicas', 'replicas: 0', { replicas: 0 }],
    ['minReadySeconds', 'minReadySeconds: 5', { update: { minReadySeconds: 5 } }],
    ['the default strategy, of one', '', { update: { type: 'RollingUpdate', maxSurge: 1, maxUnavailable: 0 } }],
    ['the default strategy, of ten', 'replicas: 10', { update: { maxSurge: 3, maxUnavailable: 2 } }],
    [
      'numbers',
      'strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 2, maxUnavailable: 3 } }',
      { update: { maxSurge: 2, maxUnavailable: 3 } },
    ],
    [
      'percentages',
      'replicas: 3\nstrategy: { rollingUpdate: { maxSurge: 50%, maxUnavailable: 50% } }',
      { update: { maxSurge: 2, maxUnavailable: 1 } },
    ],
    [
      'percentages that both come to nothing',
      'strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 10% } }',
      { update: { maxSurge: 0, maxUnavailable: 1 } },
    ],
    [
      'Recreate',
      'replicas: 3\nstrategy: { type: Recreate }',
      { update: { type: 'Recreate', maxSurge: 0, maxUnavailable: 3 } },
    ],
  ])('%s', (_, spec, expected) => {
    expect(workloadOf(deploymentText({ spec }))).toMatchObject(expected);
  });

  test('the pod of the template runs', () => {
    const workload = workloadOf(
      deploymentText({ pod: 'hostNetwork: true\nnodeSelector: { a: b }\nrestartPolicy: Always' }),
    );
    expect(workload).toMatchObject({
      kind: 'Deployment',
      nodeSelector: { a: 'b' },
      pod: { hostNetwork: true, hostname: 'web' },
    });
  });

  test('labels and annotations of the template are added to its own, and win', () => {
    const text = deploymentText()
      .replace('  name: web', '  name: web\n  labels: { app: shop, team: a }\n  annotations: { note: own }')
      .replace('labels: { app: web }', 'labels: { app: web }\n      annotations: { note: template }');
    expect(workloadOf(text)).toMatchObject({ labels: { app: 'web', team: 'a' }, annotations: { note: 'template' } });
  });
});
