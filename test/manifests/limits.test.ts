import { describe, expect, test } from '@jest/globals';
import { type PodTemplate, parseManifests } from '../../manifests/index.ts';
import { expectProblem } from './expect-problem.ts';
import { deploymentText, podText } from './manifest-texts.ts';

function podOf(text: string): PodTemplate {
  const { workloads, problems } = parseManifests([{ path: 'web.yaml', text }]);
  expect(problems).toEqual([]);
  return workloads[0]?.workload.pod as PodTemplate;
}

test('annotations of a pod limit what Kubernetes has no fields for, container by container', () => {
  const annotations = [
    'cpus.holdfast.dev/web: "0-3,6"',
    'mems.holdfast.dev/web: "0"',
    'io.holdfast.dev/first: /dev/sda rbps=10M wbps=1Mi, 8:16 riops=100 wiops=4k weight=200',
  ];
  const text = podText({
    metadata: `annotations:\n${annotations.map((line) => `  ${line}`).join('\n')}`,
    spec: 'initContainers: [{ name: first, image: nginx }]',
  });
  const { initContainers, containers } = podOf(text);
  expect(containers[0]?.resources.limits).toMatchObject({ cpus: '0-3,6', mems: '0', ioDevices: [] });
  const none = { readsPerSecond: null, writesPerSecond: null, weight: null };
  expect(initContainers[0]?.resources.limits).toMatchObject({
    ...{ cpus: null, mems: null },
    ioDevices: [
      { ...none, device: '/dev/sda', readBytesPerSecond: 10_000_000, writeBytesPerSecond: 2 ** 20 },
      {
        ...{ device: '8:16', readBytesPerSecond: null, writeBytesPerSecond: null },
        ...{ readsPerSecond: 100, writesPerSecond: 4_000, weight: 200 },
      },
    ],
  });
});

describe('a problem of an annotation', () => {
  test.each<[string, string, RegExp]>([
    ['cpu.holdfast.dev/web: "0"', 'cpu.holdfast.dev/web', /did you mean `cpus.holdfast.dev`/],
    ['quite-else.holdfast.dev/web: "0"', 'quite-else.holdfast.dev/web', /there are `cpus.holdfast.dev`/],
    ['cpus.holdfast.dev/wb: "0"', 'cpus.holdfast.dev/wb', /no container `wb`, did you mean `web`/],
    ['cpus.holdfast.dev/web: "3-1"', 'cpus.holdfast.dev/web', /no list of numbers/],
    ['mems.holdfast.dev/web: all', 'mems.holdfast.dev/web', /no list of numbers/],
    ['io.holdfast.dev/web: sda rbps=1', 'io.holdfast.dev/web', /no block device/],
    ['io.holdfast.dev/web: /dev/../etc rbps=1', 'io.holdfast.dev/web', /no block device/],
    ['io.holdfast.dev/web: /dev/sda', 'io.holdfast.dev/web', /limits nothing/],
    ['io.holdfast.dev/web: /dev/sda bps=1', 'io.holdfast.dev/web', /none of rbps/],
    ['io.holdfast.dev/web: /dev/sda rbps=1 rbps=2', 'io.holdfast.dev/web', /twice/],
    ['io.holdfast.dev/web: "8:0 rbps=1,8:0 wbps=2"', 'io.holdfast.dev/web', /twice/],
    ['io.holdfast.dev/web: /dev/sda riops=0', 'io.holdfast.dev/web', /more than zero/],
    ['io.holdfast.dev/web: /dev/sda weight=5', 'io.holdfast.dev/web', /from 10 to 1000/],
    ['io.holdfast.dev/web: /dev/sda wbps=x', 'io.holdfast.dev/web', /not a quantity/],
  ])('%s', (line, key, message) => {
    expectProblem(podText({ metadata: `annotations: { ▶${line} }` }), `metadata.annotations["${key}"]`, message);
  });

  test('that is of a Deployment and not of its template, or of no container', () => {
    expectProblem(
      deploymentText().replace('  name: web\n', '  name: web\n  annotations: { ▶cpus.holdfast.dev/web: "0" }\n'),
      'metadata.annotations["cpus.holdfast.dev/web"]',
      /move it to `spec.template.metadata`/,
    );
    const text = deploymentText().replace(
      'app: web }\n',
      'app: web }\n      annotations: { ▶cpus.holdfast.dev/a: "0" }\n',
    );
    expectProblem(text, 'spec.template.metadata.annotations["cpus.holdfast.dev/a"]', /no container `a`/);
  });
});

describe('a problem of a resource', () => {
  test.each<[string, string, string | RegExp]>([
    ['resources: { limits: { ▶hugepages-2Mi: 3Mi } }', 'resources.limits["hugepages-2Mi"]', /multiple of `2Mi`/],
    ['resources: { limits: { ▶hugepages-64Ki: 64Ki } }', 'resources.limits["hugepages-64Ki"]', /did you mean/],
    [
      'resources: { requests: { ▶hugepages-1Gi: 1Gi }, limits: { hugepages-1Gi: 2Gi } }',
      'resources.requests["hugepages-1Gi"]',
      /must equal the limit/,
    ],
    ['resources: { limits: { ▶holdfast.dev/swap: 1Gi } }', 'resources.limits["holdfast.dev/swap"]', /memory limit/],
    [
      'resources: { limits: { memory: 1Mi, ▶holdfast.dev/memory-high: 2Mi } }',
      'resources.limits["holdfast.dev/memory-high"]',
      /above the memory limit/,
    ],
    [
      'resources: { requests: { ▶holdfast.dev/io-weight: 9 } }',
      'resources.requests["holdfast.dev/io-weight"]',
      'must be from 10 to 1000',
    ],
  ])('%s', (container, path, message) => {
    expectProblem(podText({ container }), `spec.containers[0].${path}`, message);
  });
});
