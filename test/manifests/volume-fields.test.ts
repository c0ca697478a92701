import { describe, expect, test } from '@jest/globals';
import { parseManifests, type Workload } from '../../manifests/index.ts';
import { type PodLines, podText } from './manifest-texts.ts';

function workloadOf(text: string): Workload {
  const { workloads, problems } = parseManifests([{ path: 'web.yaml', text }]);
  expect(problems).toEqual([]);
  return workloads[0]?.workload as Workload;
}

const PLAIN_MOUNT = { readOnly: false, subPath: null, subPathExpr: null, propagation: null };

describe('volumes', () => {
  test.each<[string, PodLines, object]>([
    [
      'fsGroupChangePolicy',
      { spec: 'securityContext: { fsGroup: 5, fsGroupChangePolicy: OnRootMismatch }' },
      { pod: { fsGroup: 5, fsGroupChangePolicy: 'OnRootMismatch' } },
    ],
    [
      'the fsGroupChangePolicy there is anyway',
      { spec: 'securityContext: { fsGroupChangePolicy: Always }' },
      { pod: { fsGroupChangePolicy: null } },
    ],
    [
      'volumes of files',
      {
        spec: [
          'volumes:',
          '  - { name: a, configMap: { name: c, optional: true } }',
          '  - { name: b, secret: { secretName: s, optional: true, defaultMode: 0o400, items: [{ key: k, path: d/f, mode: "0440" }] } }',
          '  - { name: c, downwardAPI: { items: [{ path: l, fieldRef: { fieldPath: metadata.labels } }] } }',
          '  - name: d',
          '    projected:',
          '      defaultMode: 256',
          '      sources: [{ secret: { name: s, optional: true } }, { downwardAPI: { items: [{ path: n, fieldRef: { fieldPath: metadata.name } }] } }]',
        ].join('\n'),
      },
      {
        pod: {
          volumes: [
            {
              name: 'a',
              type: 'projected',
              defaultMode: 0o644,
              sources: [{ type: 'configMap', name: 'c', items: null, isOptional: true }],
            },
            {
              name: 'b',
              defaultMode: 0o400,
              sources: [{ type: 'secret', name: 's', items: [{ key: 'k', path: 'd/f', mode: 0o440 }] }],
            },
            {
              name: 'c',
              sources: [
                {
                  type: 'downwardAPI',
                  items: [{ path: 'l', mode: null, field: { type: 'field', fieldPath: 'metadata.labels' } }],
                },
              ],
            },
            { name: 'd', defaultMode: 0o400, sources: [{ type: 'secret', name: 's' }, { type: 'downwardAPI' }] },
          ],
        },
      },
    ],
  ])('%s', (_, lines, expected) => {
    expect(workloadOf(podText(lines))).toMatchObject(expected);
  });
});

describe('a container', () => {
  test('volumeMounts, in the order written', () => {
    const spec = 'volumes: [{ name: a, emptyDir: {} }]';
    const container = 'volumeMounts: [{ name: a, mountPath: /b/ }, { name: a, mountPath: /dev/shm, readOnly: true }]';
    expect(workloadOf(podText({ spec, container })).pod.containers[0]?.volumeMounts).toEqual([
      { ...PLAIN_MOUNT, name: 'a', mountPath: '/b' },
      { ...PLAIN_MOUNT, name: 'a', mountPath: '/dev/shm', readOnly: true },
    ]);
  });

  test('what a volume mount says of its place in the volume', () => {
    const spec = 'volumes: [{ name: a, emptyDir: {} }, { name: b, hostPath: { path: /srv } }]';
    const mounts = [
      '{ name: a, mountPath: /a, subPath: x/y }',
      '{ name: a, mountPath: /b, subPathExpr: "x/$(A)" }',
      '{ name: b, mountPath: /c, mountPropagation: HostToContainer, readOnly: true, recursiveReadOnly: Enabled }',
      '{ name: b, mountPath: /d, mountPropagation: None }',
    ];
    const container = `env: [{ name: A, value: z }]\nvolumeMounts: [${mounts.join(', ')}]`;
    expect(workloadOf(podText({ spec, container })).pod.containers[0]?.volumeMounts).toEqual([
      { ...PLAIN_MOUNT, name: 'a', mountPath: '/a', subPath: 'x/y' },
      { ...PLAIN_MOUNT, name: 'a', mountPath: '/b', subPath: 'x/z' },
      { ...PLAIN_MOUNT, name: 'b', mountPath: '/c', readOnly: true, propagation: 'HostToContainer' },
      { ...PLAIN_MOUNT, name: 'b', mountPath: '/d' },
    ]);
  });

  test('what is known at the start only, which leaves all of the container as written', () => {
    const spec = 'volumes: [{ name: a, emptyDir: {} }]';
    const container = [
      'resources: { limits: { cpu: 1, memory: 1Mi } }',
      'command: [$(A)]',
      'volumeMounts: [{ name: a, mountPath: /b, subPathExpr: $(A) }]',
      'envFrom: [{ configMapRef: { name: c, optional: true } }, { prefix: S_, secretRef: { name: s, optional: true } }]',
      'env:',
      '  - { name: A, value: a }',
      '  - { name: B, value: $(A) }',
      '  - { name: C, valueFrom: { configMapKeyRef: { name: c, key: k, optional: true } } }',
      '  - { name: D, valueFrom: { secretKeyRef: { name: s, key: k, optional: true } } }',
      '  - { name: E, valueFrom: { fieldRef: { apiVersion: v1, fieldPath: "metadata.labels[\'a/b\']" } } }',
      '  - { name: F, valueFrom: { resourceFieldRef: { resource: limits.cpu, divisor: 1m } } }',
      '  - { name: G, valueFrom: { resourceFieldRef: { resource: requests.memory, containerName: web, divisor: 0 } } }',
      '  - { name: H, valueFrom: { resourceFieldRef: { resource: requests.cpu } } }',
    ].join('\n');
    const at = (name: string, valueFrom: object): object => ({ name, value: '', valueFrom });
    expect(workloadOf(podText({ spec, container })).pod.containers[0]).toMatchObject({
      command: ['$(A)'],
      volumeMounts: [{ subPath: null, subPathExpr: '$(A)' }],
      envFrom: [
        { type: 'configMap', name: 'c', prefix: '', isOptional: true },
        { type: 'secret', name: 's', prefix: 'S_', isOptional: true },
      ],
      env: [
        { name: 'A', value: 'a', valueFrom: null },
        { name: 'B', value: '$(A)', valueFrom: null },
        at('C', { type: 'configMapKey', name: 'c', key: 'k', isOptional: true }),
        at('D', { type: 'secretKey', name: 's', key: 'k', isOptional: true }),
        at('E', { type: 'field', fieldPath: "metadata.labels['a/b']" }),
        at('F', { type: 'resource', container: 'web', resource: 'limits.cpu', divisor: 1 }),
        at('G', { type: 'resource', container: 'web', resource: 'requests.memory', divisor: 1 }),
        at('H', { type: 'resource', container: 'web', resource: 'requests.cpu', divisor: 1000 }),
      ],
    });
  });
});
