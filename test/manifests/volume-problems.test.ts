import { describe, expect, test } from '@jest/globals';
import { parseManifests } from '../../manifests/index.ts';
import { type PodLines, podText } from './manifest-texts.ts';
import { marked } from './marked-text.ts';

/** Expects exactly one problem, where the mark is. */
function expectProblem(markedText: string, path: string, message: string | RegExp): void {
  const { text, line, column } = marked(markedText);
  const { problems } = parseManifests([{ path: 'a.yaml', text }]);
  const expected = typeof message === 'string' ? message : expect.stringMatching(message);
  expect(problems).toEqual([{ file: 'a.yaml', line, column, path, message: expected }]);
}

const volume = (source: string): PodLines => ({ spec: `volumes: [{ name: a, ${source} }]` });
const mount = (fields: string, source = 'emptyDir: {}', more = ''): PodLines => ({
  spec: `volumes: [{ name: a, ${source} }]`,
  container: `volumeMounts: [{ name: a, mountPath: /a, ${fields} }]${more}`,
});
const variable = (valueFrom: string): PodLines => ({ container: `env: [{ name: A, valueFrom: { ${valueFrom} } }]` });

describe('a volume', () => {
  test.each<[PodLines, string, RegExp]>([
    [volume('configMap: { ▶name: A_b }'), 'configMap.name', /lower-case/],
    [volume('configMap: { name: b, ▶defaultMode: 512 }'), 'configMap.defaultMode', /permission bits/],
    [volume('configMap: { name: b, ▶defaultMode: "0888" }'), 'configMap.defaultMode', /permission bits/],
    [volume('configMap: { name: b, ▶defaultMode: 0644 }'), 'configMap.defaultMode', /leading zero/],
    [volume('configMap: { name: b, ▶items: [] }'), 'configMap.items', /at least 1/],
    [volume('configMap: { name: b, items: [{ key: c, ▶path: ../d }] }'), 'configMap.items[0].path', /`\.\.`/],
    [volume('configMap: { name: b, items: [{ key: c, ▶path: /d }] }'), 'configMap.items[0].path', /drop the `\/`/],
    [volume('configMap: { name: b, items: [{ key: c, ▶path: ..d }] }'), 'configMap.items[0].path', /begin with/],
    [volume('configMap: { name: b, items: [{ key: c, ▶path: d//e }] }'), 'configMap.items[0].path', /empty parts/],
    [
      volume('configMap: { name: b, items: [{ key: c, path: d }, { key: e, ▶path: d }] }'),
      'configMap.items[1].path',
      /used twice/,
    ],
    [volume('secret: { secretName: b, ▶name: b }'), 'secret.name', /unknown field/],
    [volume('downwardAPI: { ▶items: [] }'), 'downwardAPI.items', /at least/],
    [volume('downwardAPI: { items: [▶{ path: b }] }'), 'downwardAPI.items[0]', /exactly one of `fieldRef`/],
    [
      volume('downwardAPI: { items: [{ path: b, fieldRef: { ▶fieldPath: status.podIP } }] }'),
      'downwardAPI.items[0].fieldRef.fieldPath',
      /is no field a pod is told/,
    ],
    [
      volume('downwardAPI: { items: [{ path: b, ▶resourceFieldRef: { resource: limits.cpu } }] }'),
      'downwardAPI.items[0].resourceFieldRef',
      /which container/,
    ],
    [
      volume('downwardAPI: { items: [{ path: b, resourceFieldRef: { ▶containerName: x, resource: limits.cpu } }] }'),
      'downwardAPI.items[0].resourceFieldRef.containerName',
      /no container `x`/,
    ],
    [volume('projected: { ▶sources: [] }'), 'projected.sources', /at least 1/],
    [volume('projected: { sources: [▶{}] }'), 'projected.sources[0]', /exactly one/],
    [volume('persistentVolumeClaim: { ▶claimName: "" }'), 'persistentVolumeClaim.claimName', /lower-case/],
    [volume('emptyDir: { ▶sizeLimit: 1Q }'), 'emptyDir.sizeLimit', /not a quantity/],
  ])('%j', (lines, path, message) => expectProblem(podText(lines), `spec.volumes[0].${path}`, message));

  test.each(['csi', 'nfs', 'image', 'ephemeral', 'iscsi', 'gitRepo'])('of kind %s is refused by name', (kind) => {
    const { problems } = parseManifests([{ path: 'a.yaml', text: podText(volume(`${kind}: {}`)) }]);
    expect(problems.map(({ message }) => message)).toContain(`field \`${kind}\` is not supported yet; remove it`);
  });
});

describe('a mount', () => {
  test.each<[PodLines, string, RegExp]>([
    [mount('▶subPath: ../b'), 'subPath', /`\.\.`/],
    [mount('▶subPath: /b'), 'subPath', /drop the/],
    [mount('subPath: b, ▶subPathExpr: c'), 'subPathExpr', /beside `subPath`/],
    [mount('▶recursiveReadOnly: Enabled'), 'recursiveReadOnly', /`readOnly: true`/],
    [mount('readOnly: true, ▶recursiveReadOnly: Disabled'), 'recursiveReadOnly', /all the way down/],
    [mount('▶mountPropagation: Shared'), 'mountPropagation', /must be one of/],
    [mount('▶mountPropagation: HostToContainer'), 'mountPropagation', /`hostPath` volumes only/],
    [
      mount('▶mountPropagation: Bidirectional', 'hostPath: { path: /srv }'),
      'mountPropagation',
      /only a privileged container/,
    ],
    [
      mount('▶mountPropagation: Bidirectional', 'hostPath: { path: /srv }', '\nsecurityContext: { privileged: true }'),
      'mountPropagation',
      /`hostUsers: true`/,
    ],
  ])('%j', (lines, path, message) =>
    expectProblem(podText(lines), `spec.containers[0].volumeMounts[0].${path}`, message),
  );

  test('of a device is refused by name', () => {
    expectProblem(
      podText({ container: '▶volumeDevices: []' }),
      'spec.containers[0].volumeDevices',
      /not supported yet/,
    );
  });
});

describe('a variable', () => {
  test.each<[PodLines, string, RegExp]>([
    [
      { container: 'env: [{ name: A, value: b, ▶valueFrom: { fieldRef: { fieldPath: metadata.name } } }]' },
      '',
      /beside/,
    ],
    [variable('▶fileKeyRef: {}, fieldRef: { fieldPath: metadata.name }'), '.fileKeyRef', /not supported yet/],
    [variable('fieldRef: { ▶fieldPath: metadata.labels }'), '.fieldRef.fieldPath', /is no field/],
    [variable('secretKeyRef: { name: a, ▶key: "..b" }'), '.secretKeyRef.key', /must not be/],
    [variable('resourceFieldRef: { ▶resource: limits.pids }'), '.resourceFieldRef.resource', /must be one of/],
    [
      variable('resourceFieldRef: { ▶resource: limits.memory }'),
      '.resourceFieldRef.resource',
      /has no `limits\.memory`/,
    ],
    [variable('resourceFieldRef: { resource: limits.cpu, ▶divisor: 1x }'), '.resourceFieldRef.divisor', /not a CPU/],
  ])('%j', (lines, path, message) =>
    expectProblem(podText(lines), `spec.containers[0].env[0].valueFrom${path}`, message),
  );

  test('source has exactly one object', () => {
    expectProblem(podText({ container: 'envFrom: [▶{ prefix: A }]' }), 'spec.containers[0].envFrom[0]', /exactly one/);
  });
});

describe('what a workload refers to', () => {
  const objects = [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { level: info }',
    'apiVersion: v1\nkind: Secret\nmetadata: { name: token }\nstringData: { value: hush-hush }',
    'apiVersion: v1\nkind: Secret\nmetadata: { name: other, namespace: elsewhere }\nstringData: { value: hush-hush }',
  ];
  const withObjects = (text: string): string => [text, ...objects].join('\n---\n');

  test.each<[PodLines, string, RegExp]>([
    [volume('configMap: { ▶name: setings }'), 'volumes[0].configMap.name', /no ConfigMap `setings`.*mean `settings`/],
    [
      volume('secret: { ▶secretName: other }'),
      'volumes[0].secret.secretName',
      /no Secret `other` in namespace `default`/,
    ],
    [
      volume('configMap: { name: settings, items: [{ ▶key: levl, path: a }] }'),
      'volumes[0].configMap.items[0].key',
      /no key `levl`; did you mean `level`/,
    ],
    [
      volume('projected: { sources: [{ secret: { ▶name: none, items: [{ key: a, path: a }] } }] }'),
      'volumes[0].projected.sources[0].secret.name',
      /no Secret `none`/,
    ],
    [
      volume('projected: { sources: [{ secret: { name: token, items: [{ ▶key: vale, path: a }] } }] }'),
      'volumes[0].projected.sources[0].secret.items[0].key',
      /did you mean `value`/,
    ],
    [
      volume('persistentVolumeClaim: { ▶claimName: data }'),
      'volumes[0].persistentVolumeClaim.claimName',
      /no PersistentVolumeClaim/,
    ],
    [
      variable('secretKeyRef: { ▶name: tokn, key: value }'),
      'containers[0].env[0].valueFrom.secretKeyRef.name',
      /`token`/,
    ],
    [
      variable('secretKeyRef: { name: token, ▶key: b }'),
      'containers[0].env[0].valueFrom.secretKeyRef.key',
      /has no key/,
    ],
    [
      { container: 'envFrom: [{ configMapRef: { ▶name: b } }]' },
      'containers[0].envFrom[0].configMapRef.name',
      /no ConfigMap/,
    ],
  ])('is missed: %j', (lines, path, message) => {
    expectProblem(withObjects(podText(lines)), `spec.${path}`, message);
  });

  test('may be missing where it is optional', () => {
    const lines = {
      ...volume('secret: { secretName: none, optional: true, items: [{ key: a, path: a }] }'),
      container: 'env: [{ name: A, valueFrom: { configMapKeyRef: { name: settings, key: none, optional: true } } }]',
    };
    expect(parseManifests([{ path: 'a.yaml', text: withObjects(podText(lines)) }]).problems).toEqual([]);
  });

  const claim = (mode: string): string =>
    `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data }\nspec: { accessModes: [${mode}], resources: { requests: { storage: 1Gi } } }`;
  const uses = 'volumes: [{ name: a, persistentVolumeClaim: { ▶claimName: data } }]';

  test('is for one pod, and two would use it', () => {
    const text = [
      podText({ spec: uses.replace('▶', '') }),
      podText({ metadata: 'name: zwei', spec: uses }),
      claim('ReadWriteOncePod'),
    ];
    expectProblem(
      text.join('\n---\n'),
      'spec.volumes[0].persistentVolumeClaim.claimName',
      /`default\/web` uses it too/,
    );
  });

  test('is for all pods of the node', () => {
    const text = [podText({ spec: uses }), podText({ metadata: 'name: zwei', spec: uses }), claim('ReadWriteOnce')];
    expect(parseManifests([{ path: 'a.yaml', text: text.join('\n---\n').replaceAll('▶', '') }]).problems).toEqual([]);
  });
});
