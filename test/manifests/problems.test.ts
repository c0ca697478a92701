import { describe, expect, test } from '@jest/globals';
import { parseManifests } from '../../manifests/index.ts';
import { expectProblem } from './expect-problem.ts';
import { deploymentText, type PodLines, podText } from './manifest-texts.ts';

describe('a problem of a Pod', () => {
  test.each<[PodLines, string, string | RegExp]>([
    [{ metadata: '▶name: Web' }, 'metadata.name', /RFC 1123/],
    [{ metadata: `▶name: ${'a'.repeat(64)}` }, 'metadata.name', 'must have at most 63 characters'],
    [{ metadata: '▶namespace: a.b' }, 'metadata.namespace', /RFC 1123/],
    [{ metadata: 'labels: { ▶a b: c }' }, 'metadata.labels["a b"]', /^key must be/],
    [{ metadata: 'labels: { ▶A_/b: c }' }, 'metadata.labels["A_/b"]', /DNS name before/],
    [{ metadata: 'labels: { ▶a/b: "-" }' }, 'metadata.labels["a/b"]', /^value must be/],
    [{ metadata: 'labels: { ▶a: 1 }' }, 'metadata.labels.a', 'must be text (a string), not a number; put it in quotes'],
    [{ metadata: 'annotations: { ▶-a: b }' }, 'metadata.annotations["-a"]', /^key must be/],
    [{ metadata: `▶annotations: { a: ${'b'.repeat(262_144)} }` }, 'metadata.annotations', /256 KiB/],
    [{ metadata: '▶generateName: a' }, 'metadata.generateName', 'field `generateName` is not supported yet; remove it'],
    [{ metadata: '▶labls: {}' }, 'metadata.labls', 'unknown field `labls`, did you mean `labels`?'],
    [{ spec: '▶containers: []' }, 'spec.containers', 'must have at least 1 entry'],
    [{ spec: '▶containers: {}' }, 'spec.containers', 'must be a list, not a map'],
    [{ spec: '▶containers:' }, 'spec.containers', 'is empty; write a value, or remove the field'],
    [{ spec: '▶hostNetwork: yes' }, 'spec.hostNetwork', 'must be `true` or `false`, not `yes`; write `true`'],
    [{ spec: '▶hostUsers: Off' }, 'spec.hostUsers', 'must be `true` or `false`, not `Off`; write `false`'],
    [{ spec: '▶hostUsers: "true"' }, 'spec.hostUsers', 'must be `true` or `false`, not text; remove the quotes'],
    [
      { spec: 'hostNetwork: true\ncontainers: [{ name: a, image: a, ports: [{ containerPort: 1, ▶hostPort: 2 }] }]' },
      'spec.containers[0].ports[0].hostPort',
      /must equal `containerPort`/,
    ],
    [{ spec: '▶dnsPolicy: None' }, 'spec.dnsPolicy', /needs `dnsConfig.nameservers`/],
    [{ spec: '▶dnsPolicy: Cluster' }, 'spec.dnsPolicy', /^must be one of/],
    [{ spec: 'dnsConfig: { nameservers: [▶a] }' }, 'spec.dnsConfig.nameservers[0]', /IPv4 or IPv6 address/],
    [{ spec: 'dnsConfig: { searches: [▶"a b"] }' }, 'spec.dnsConfig.searches[0]', /^must be lower-case/],
    [{ spec: 'dnsConfig: { options: [{ ▶name: "a b" }] }' }, 'spec.dnsConfig.options[0].name', /resolver option/],
    [
      { spec: 'hostAliases: [{ ip: 192.0.2.1, hostnames: [▶"a\\n127.0.0.1 b"] }]' },
      'spec.hostAliases[0].hostnames[0]',
      /^must be lower-case/,
    ],
    [{ spec: 'hostAliases: [{ ▶ip: "192.0.2.1 b", hostnames: [a] }]' }, 'spec.hostAliases[0].ip', /IPv4 or IPv6/],
    [
      { metadata: 'annotations: { ▶holdfast.dev/networks: "a b" }' },
      'metadata.annotations["holdfast.dev/networks"]',
      /no name of a network/,
    ],
    [
      { metadata: 'annotations: { ▶holdfast.dev/networks: "default,none" }' },
      'metadata.annotations["holdfast.dev/networks"]',
      /no network among others/,
    ],
    [
      { metadata: 'annotations: { ▶holdfast.dev/networks: "default, default" }' },
      'metadata.annotations["holdfast.dev/networks"]',
      /named twice/,
    ],
    [
      { metadata: 'annotations: { ▶holdfast.dev/networks: default }', spec: 'hostNetwork: true' },
      'metadata.annotations["holdfast.dev/networks"]',
      /no meaning with `hostNetwork: true`/,
    ],
    [
      {
        metadata: 'annotations: { ▶holdfast.dev/networks: none }',
        container: 'ports: [{ containerPort: 1, hostPort: 1 }]',
      },
      'metadata.annotations["holdfast.dev/networks"]',
      /without a network/,
    ],
    [
      { metadata: 'annotations: { ▶holdfast.dev/networks: back }' },
      'metadata.annotations["holdfast.dev/networks"]',
      /namespace `default` has no network `back`/,
    ],
    [{ spec: '▶hostname: 5' }, 'spec.hostname', /put it in quotes$/],
    [{ spec: '▶restartPolicy: always' }, 'spec.restartPolicy', /not `always`; did you mean `Always`\?$/],
    [{ spec: '▶terminationGracePeriodSeconds: -1' }, 'spec.terminationGracePeriodSeconds', 'must be at least 0'],
    [{ spec: '▶terminationGracePeriodSeconds: 1.5' }, 'spec.terminationGracePeriodSeconds', 'must be a whole number'],
    [{ spec: '▶terminationGracePeriodSeconds: "5"' }, 'spec.terminationGracePeriodSeconds', /remove the quotes$/],
    [
      { spec: '▶ephemeralContainers: []' },
      'spec.ephemeralContainers',
      'field `ephemeralContainers` is not supported yet; remove it',
    ],
    [
      { spec: 'initContainers: [{ name: first, image: nginx, ▶restartPolicy: Never }]' },
      'spec.initContainers[0].restartPolicy',
      /Always/,
    ],
    [
      { spec: 'initContainers: [{ name: first, image: nginx, volumeMounts: [{ ▶name: x, mountPath: /x }] }]' },
      'spec.initContainers[0].volumeMounts[0].name',
      /no volume `x`/,
    ],
    [
      { spec: 'initContainers: [{ name: web, image: nginx }]\ncontainers: [{ ▶name: web, image: nginx }]' },
      'spec.containers[0].name',
      /web/,
    ],
    [
      { container: 'lifecycle: { preStop: { exec: { ▶command: [] } } }' },
      'spec.containers[0].lifecycle.preStop.exec.command',
      /at least/,
    ],
    [{ spec: '▶hostnetwork: true' }, 'spec.hostnetwork', 'unknown field `hostnetwork`, did you mean `hostNetwork`?'],
    [{ spec: '▶quiteDifferent: true' }, 'spec.quiteDifferent', 'unknown field `quiteDifferent`; remove it'],
    [{ spec: 'securityContext: { ▶fsGroup: 65536 }' }, 'spec.securityContext.fsGroup', /at most 65535/],
    [
      { spec: 'securityContext: { ▶fsGroupChangePolicy: Never }' },
      'spec.securityContext.fsGroupChangePolicy',
      /must be one of/,
    ],
    [
      { spec: 'securityContext: { supplementalGroups: [1, ▶65536] }' },
      'spec.securityContext.supplementalGroups[1]',
      /`hostUsers: true`$/,
    ],
    [{ spec: 'securityContext: { ▶runAsGroup: 65536 }' }, 'spec.securityContext.runAsGroup', /at most 65535/],
    [
      { spec: 'securityContext: { ▶runAsUser: 0, runAsNonRoot: true }' },
      'spec.securityContext.runAsUser',
      /is root \(0\)/,
    ],
    [{ spec: 'volumes: [▶{ name: a }]' }, 'spec.volumes[0]', /^must have exactly one of `configMap`, .*`emptyDir`, /],
    [{ spec: 'volumes: [▶{ name: a, emptyDir: {}, hostPath: { path: /a } }]' }, 'spec.volumes[0]', /exactly one/],
    [
      { spec: 'volumes: [{ name: a, emptyDir: {} }, { ▶name: a, emptyDir: {} }]' },
      'spec.volumes[1].name',
      /used twice/,
    ],
    [
      { spec: 'volumes: [{ name: a, emptyDir: { ▶medium: Disk } }]' },
      'spec.volumes[0].emptyDir.medium',
      /must be one of ``, `Memory`/,
    ],
    [
      { spec: 'volumes: [{ name: a, emptyDir: { ▶sizeLimit: 0 } }]' },
      'spec.volumes[0].emptyDir.sizeLimit',
      'must be more than zero',
    ],
    [{ spec: 'volumes: [{ name: a, hostPath: { ▶path: a } }]' }, 'spec.volumes[0].hostPath.path', /absolute/],
    [{ spec: 'volumes: [{ name: a, hostPath: { ▶path: /a/../b } }]' }, 'spec.volumes[0].hostPath.path', /`\.\.`/],
    [
      { spec: 'volumes: [{ name: a, hostPath: { path: /a, ▶type: Device } }]' },
      'spec.volumes[0].hostPath.type',
      /must be one of/,
    ],
  ])('%j', (lines, path, message) => {
    expectProblem(podText(lines), path, message);
  });

  test('a volume source that is not supported yet also leaves the volume without one', () => {
    const spec = 'volumes: [{ name: a, nfs: { server: b } }]';
    const { problems } = parseManifests([{ path: 'a.yaml', text: podText({ spec }) }]);
    expect(problems.map(({ path }) => path)).toEqual(['spec.volumes[0]', 'spec.volumes[0].nfs']);
  });
});

describe('a problem of a container', () => {
  test.each<[string, string, string | RegExp]>([
    ['▶name: a_b', 'name', /RFC 1123/],
    ['▶image: "nginx:"', 'image', /malformed tag/],
    ['▶image: [a]', 'image', 'must be text (a string), not a list'],
    ['▶imagee: x', 'imagee', 'unknown field `imagee`, did you mean `image`?'],
    ['▶livenessProbe: {}', 'livenessProbe', 'field `livenessProbe` is not supported yet; remove it'],
    ['▶imagePullPolicy: ifnotpresent', 'imagePullPolicy', /did you mean `IfNotPresent`/],
    ['▶imagePullPolicy: Never', 'imagePullPolicy', /^`Never` is not supported yet; `IfNotPresent` asks/],
    ['command: [a, ▶"b\\0"]', 'command[1]', /NUL/],
    ['args: [▶"\\0"]', 'args[0]', /NUL/],
    [
      'env: [{ name: A, ▶value: "secret\\0" }]',
      'env[0].value',
      'contains a NUL character, which no program can be given; remove it',
    ],
    ['▶command: a', 'command', 'must be a list, not text'],
    ['command: [a, ▶1]', 'command[1]', /put it in quotes$/],
    ['args: [▶true]', 'args[0]', /not `true` or `false`; put it in quotes$/],
    ['▶workingDir: srv', 'workingDir', /absolute/],
    ['▶workingDir: //srv', 'workingDir', /empty parts/],
    ['env: [{ ▶name: 1A }]', 'env[0].name', /must not begin with a digit/],
    ['env: [{ name: A, ▶value: 1 }]', 'env[0].value', /put it in quotes$/],
    ['env: [{ name: A, ▶valueFrom: {} }]', 'env[0].valueFrom', /^must have exactly one of `configMapKeyRef`/],
    ['env: [{ name: A }, { ▶name: A }]', 'env[1].name', 'variable `A` is used twice; keep one, or choose another'],
    ['env: [▶{ value: a }]', 'env[0].name', 'is required'],
    ['ports: [{ ▶containerPort: 0 }]', 'ports[0].containerPort', 'must be at least 1'],
    ['ports: [{ ▶containerPort: 65536 }]', 'ports[0].containerPort', 'must be at most 65535'],
    ['ports: [{ containerPort: 1, ▶hostPort: 0 }]', 'ports[0].hostPort', 'must be at least 1'],
    ['ports: [{ containerPort: 1, ▶hostIP: 192.0.2.1 }]', 'ports[0].hostIP', /no meaning without `hostPort`/],
    ['ports: [{ containerPort: 1, hostPort: 1, ▶hostIP: "::1" }]', 'ports[0].hostIP', /must not be `::1`/],
    ['ports: [{ containerPort: 1, hostPort: 1, ▶hostIP: node }]', 'ports[0].hostIP', 'must be an address of the node'],
    ['ports: [{ containerPort: 1, ▶hostPort: 1, protocol: SCTP }]', 'ports[0].hostPort', /SCTP cannot be published/],
    [
      'ports: [{ containerPort: 1, hostPort: 1 }, { containerPort: 2, ▶hostPort: 1, hostIP: 192.0.2.1 }]',
      'ports[1].hostPort',
      'host port 1 is used twice; keep one, or choose another',
    ],
    ['ports: [{ containerPort: 1, ▶protocol: tcp }]', 'ports[0].protocol', /did you mean `TCP`/],
    ['ports: [{ containerPort: 1, ▶name: "80" }]', 'ports[0].name', /at least one letter/],
    ['ports: [{ containerPort: 1, name: a }, { containerPort: 2, ▶name: a }]', 'ports[1].name', /used twice/],
    ['resources: { limits: { ▶cpu: 1 x } }', 'resources.limits.cpu', /not a CPU quantity/],
    ['resources: { limits: { ▶cpu: 0 } }', 'resources.limits.cpu', 'must be more than zero'],
    ['resources: { limits: { ▶memory: 100m } }', 'resources.limits.memory', /did you mean `100Mi`\?$/],
    ['resources: { limits: { ▶memory: [1] } }', 'resources.limits.memory', /must be a quantity/],
    [
      'resources: { limits: { ▶holdfast.dev/pids: 1.5 } }',
      'resources.limits["holdfast.dev/pids"]',
      /not a whole number/,
    ],
    ['resources: { limits: { ▶holdfast.dev/pids: 5M } }', 'resources.limits["holdfast.dev/pids"]', /at most 4194304/],
    [
      'resources: { limits: { ▶ephemeral-storage: 1Gi } }',
      'resources.limits["ephemeral-storage"]',
      /not supported yet/,
    ],
    [
      'resources: { requests: { ▶holdfast.dev/pids: 1 } }',
      'resources.requests["holdfast.dev/pids"]',
      /not supported yet/,
    ],
    ['resources: { requests: { ▶cpu: -1 } }', 'resources.requests.cpu', /not a CPU quantity/],
    [
      'resources: { requests: { ▶memory: 2k }, limits: { memory: 1k } }',
      'resources.requests.memory',
      /above the limit/,
    ],
    ['resources: { ▶claims: [] }', 'resources.claims', /not supported yet/],
    [
      'volumeMounts: [{ ▶name: a, mountPath: /a }]',
      'volumeMounts[0].name',
      'the pod has no volume `a`; add it to `volumes`',
    ],
    ['securityContext: { ▶privileged: on }', 'securityContext.privileged', /write `true`$/],
    ['securityContext: { ▶runAsUser: -1 }', 'securityContext.runAsUser', 'must be at least 0'],
    ['securityContext: { ▶runAsUser: root }', 'securityContext.runAsUser', 'must be a number, not text'],
    ['securityContext: { ▶runAsUser: 65536 }', 'securityContext.runAsUser', /at most 65535/],
    ['securityContext: { ▶runAsUser: 0, runAsNonRoot: true }', 'securityContext.runAsUser', /is root \(0\)/],
    ['securityContext: { ▶supplementalGroups: [1] }', 'securityContext.supplementalGroups', /unknown field/],
    [
      'securityContext: { privileged: true, ▶allowPrivilegeEscalation: false }',
      'securityContext.allowPrivilegeEscalation',
      /privileged/,
    ],
    [
      'securityContext: { capabilities: { add: [▶NET_ADMN] } }',
      'securityContext.capabilities.add[0]',
      /did you mean `NET_ADMIN`/,
    ],
  ])('%s', (container, path, message) => {
    expectProblem(podText({ container }), `spec.containers[0].${path}`, message);
  });

  test('without an image is reported where the container begins', () => {
    expectProblem(podText({ spec: 'containers: [▶{ name: a }]' }), 'spec.containers[0].image', 'is required');
  });

  test('with the name of another', () => {
    const spec = 'containers: [{ name: a, image: a }, { ▶name: a, image: b }]';
    expectProblem(podText({ spec }), 'spec.containers[1].name', /container name `a` is used twice/);
  });

  test.each<[string, RegExp]>([
    ['a', /absolute/],
    ['/', /must not be `\/`/],
    ['/a/../b', /`\.\.`/],
    ['/a/./b', /`\.`/],
    ['/a:b', /`:`/],
    ['/proc', /must not be over `\/proc`/],
    ['/sys/fs/cgroup', /must not be over `\/sys`/],
    ['/dev/', /must not be over `\/dev`/],
    ['/dev/shm/a', /must not be over `\/dev`/],
  ])('that mounts at %s', (mountPath, message) => {
    const spec = 'volumes: [{ name: a, emptyDir: {} }]';
    const container = `volumeMounts: [{ name: a, ▶mountPath: ${mountPath} }]`;
    expectProblem(podText({ spec, container }), 'spec.containers[0].volumeMounts[0].mountPath', message);
  });

  test('that mounts twice at one path, or a misspelt volume', () => {
    const spec = 'volumes: [{ name: data, emptyDir: {} }]';
    const twice = 'volumeMounts: [{ name: data, mountPath: /a }, { name: data, ▶mountPath: /a/ }]';
    expectProblem(podText({ spec, container: twice }), 'spec.containers[0].volumeMounts[1].mountPath', /used twice/);
    const misspelt = 'volumeMounts: [{ ▶name: dta, mountPath: /a }]';
    expectProblem(
      podText({ spec, container: misspelt }),
      'spec.containers[0].volumeMounts[0].name',
      /did you mean `data`/,
    );
  });

  test('that has the ids of the host may have large ones', () => {
    const text = podText({ spec: 'hostUsers: true', container: 'securityContext: { runAsUser: 65536 }' });
    expect(parseManifests([{ path: 'a.yaml', text }]).problems).toEqual([]);
  });
});

describe('a problem of a Deployment', () => {
  test.each<[string, string, string | RegExp]>([
    ['▶replicas: -1', 'replicas', 'must be at least 0'],
    ['▶replicas: 1001', 'replicas', 'must be at most 1000'],
    ['▶paused: true', 'paused', /not supported yet/],
    ['▶minReadySeconds: soon', 'minReadySeconds', 'must be a number, not text'],
    ['selector: { ▶matchLabels: {} }', 'selector.matchLabels', /selects nothing/],
    ['selector: { matchLabels: { ▶app: other } }', 'selector.matchLabels.app', /no label `app: other`/],
    ['selector: { matchLabels: { app: web, ▶constructor: a } }', 'selector.matchLabels.constructor', /no label/],
    [
      'selector: { matchLabels: { app: web }, ▶matchExpressions: [] }',
      'selector.matchExpressions',
      /not supported yet/,
    ],
    ['strategy: { ▶type: Rolling }', 'strategy.type', /must be one of/],
    ['strategy: { type: Recreate, ▶rollingUpdate: {} }', 'strategy.rollingUpdate', /no meaning/],
    ['strategy: { rollingUpdate: { ▶maxSurge: -1 } }', 'strategy.rollingUpdate.maxSurge', /from 0 to 1000/],
    ['strategy: { rollingUpdate: { ▶maxSurge: "1" } }', 'strategy.rollingUpdate.maxSurge', /without quotes/],
    ['strategy: { rollingUpdate: { ▶maxSurge: 101% } }', 'strategy.rollingUpdate.maxSurge', /`100%`/],
    [
      'strategy: { rollingUpdate: { maxSurge: 0%, ▶maxUnavailable: 0 } }',
      'strategy.rollingUpdate.maxUnavailable',
      /raise one/,
    ],
  ])('%s', (spec, path, message) => {
    expectProblem(deploymentText({ spec }), `spec.${path}`, message);
  });

  test('whose pods would not be restarted', () => {
    expectProblem(
      deploymentText({ pod: '▶restartPolicy: Never' }),
      'spec.template.spec.restartPolicy',
      /must be `Always`/,
    );
  });

  test('whose template has a name of its own', () => {
    const text = deploymentText().replace('labels: { app: web }\n', 'labels: { app: web }\n      ▶name: a\n');
    expectProblem(text, 'spec.template.metadata.name', /not supported yet/);
  });
});

describe('a problem of the document', () => {
  test.each<[string, string, string | RegExp]>([
    ['▶kind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: a, image: a }] }', 'apiVersion', 'is required'],
    ['▶apiVersion: v1', 'kind', 'is required'],
    ['apiVersion: v1\n▶kind: CronJob', 'kind', /^kind `CronJob` is not supported; supported are `Pod`, `Deployment`, /],
    ['apiVersion: v1\n▶kind: constructor', 'kind', /not supported/],
    ['apiVersion: v1\n▶kind: pod', 'kind', 'kind `pod` is not supported; did you mean `Pod`?'],
    ['apiVersion: v1\n▶kind: List', 'kind', /document of its own/],
    ['apiVersion: v1\n▶kind: { toString: a }', 'kind', 'must be text (a string), not a map'],
    ['# nothing here yet\n▶a', '', 'must be a map, not text'],
    ['▶[a]', '', 'must be a map, not a list'],
    ['▶null', '', /^is empty/],
    [`${podText()}\n▶status: {}`, 'status', 'field `status` is not supported yet; remove it'],
    [podText().replace('apiVersion: v1', '▶apiVersion: apps/v1'), 'apiVersion', 'must be `v1`, not `apps/v1`'],
    [
      deploymentText().replace('apiVersion', '▶apiVersion').replace('apps/v1', 'apps/v1beta1'),
      'apiVersion',
      'must be `apps/v1`, not `apps/v1beta1`',
    ],
  ])('%s', (text, path, message) => {
    expectProblem(text, path, message);
  });
});
