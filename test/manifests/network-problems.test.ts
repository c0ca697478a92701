import { describe, expect, test } from '@jest/globals';
import { hostPortProblems, type ManifestText, parseManifests } from '../../manifests/index.ts';
import { deploymentText, podText } from './manifest-texts.ts';

const port = (name: string, lines: string, spec = ''): ManifestText => ({
  path: `${name}.yaml`,
  text: podText({ metadata: `name: ${name}`, spec, container: `ports: [{ containerPort: 80, ${lines} }]` }),
});
const problemsOf = (...files: readonly ManifestText[]) => parseManifests(files).problems;

describe('a port of the node', () => {
  test('that two workloads ask for is told with both places', () => {
    expect(problemsOf(port('a', 'hostPort: 80'), port('b', 'hostPort: 80'))).toEqual([
      {
        ...{ file: 'b.yaml', line: 9, column: 36, path: 'spec.containers[0].ports[0].hostPort' },
        message: 'TCP port 80 of the node is taken by workload `default/a` in a.yaml:9; choose another',
      },
    ]);
  });

  test.each<[string, ManifestText, ManifestText, number]>([
    ['all addresses and one', port('a', 'hostPort: 80'), port('b', 'hostPort: 80, hostIP: 192.0.2.1'), 1],
    ['two addresses', port('a', 'hostPort: 80, hostIP: 192.0.2.2'), port('b', 'hostPort: 80, hostIP: 192.0.2.1'), 0],
    ['two protocols', port('a', 'hostPort: 80'), port('b', 'hostPort: 80, protocol: UDP'), 0],
    ['the network of the node', port('a', 'hostPort: 80', 'hostNetwork: true'), port('b', 'hostPort: 80'), 1],
    [
      'nodes of which one runs both',
      port('a', 'hostPort: 80', 'nodeSelector: { role: edge }'),
      port('b', 'hostPort: 80'),
      1,
    ],
    [
      'nodes that may differ',
      port('a', 'hostPort: 80', 'nodeSelector: { role: edge }'),
      port('b', 'hostPort: 80', 'nodeSelector: { zone: a }'),
      0,
    ],
  ])('on %s', (_, a, b, count) => {
    expect(problemsOf(a, b)).toHaveLength(count);
  });

  test('that only this node has both workloads for is found there', () => {
    const { workloads } = parseManifests([
      port('a', 'hostPort: 80', 'nodeSelector: { role: edge }'),
      port('b', 'hostPort: 80', 'nodeSelector: { zone: a }'),
    ]);
    expect(hostPortProblems(workloads)).toMatchObject([{ file: 'b.yaml', message: /taken by workload `default\/a`/ }]);
  });

  test('cannot be had by two replicas', () => {
    const template =
      'template:\n  metadata: { labels: { app: web } }\n  spec: { containers: [{ name: a, image: a, ports: [{ containerPort: 1, hostPort: 1 }] }] }';
    const text = deploymentText({ spec: `replicas: 2\n${template}` });
    expect(problemsOf({ path: 'a.yaml', text })).toMatchObject([{ path: 'spec.replicas', line: 7 }]);
    expect(problemsOf({ path: 'a.yaml', text: text.replace('replicas: 2', 'replicas: 1') })).toEqual([]);
  });
});

test('a host name put together that the kernel would not take is told where that is asked for', () => {
  const spec = `hostname: ${'a'.repeat(40)}\nsubdomain: shop\nsetHostnameAsFQDN: true`;
  expect(problemsOf({ path: 'a.yaml', text: podText({ spec }) })).toMatchObject([
    { path: 'spec.setHostnameAsFQDN', message: expect.stringContaining('more than 64 characters') },
  ]);
});

describe('networks', () => {
  const network = (name: string, subnet: string): ManifestText => ({
    path: `net-${name}.yaml`,
    text: `apiVersion: holdfast.dev/v1alpha1\nkind: Network\nmetadata: { name: ${name} }\nspec: { subnets: ["${subnet}"] }`,
  });

  test('must not overlap', () => {
    expect(problemsOf(network('a', '10.1.0.0/16'), network('b', '10.1.2.0/24'))).toMatchObject([
      { file: 'net-b.yaml', path: 'spec.subnets', message: /overlaps the ranges of network `default\/a` in net-a/ },
    ]);
    expect(problemsOf(network('a', 'fd42:1::/32'), network('b', 'fd42:1:0:1::/64'))).toHaveLength(1);
    expect(problemsOf(network('a', '10.1.0.0/16'), network('b', '10.2.0.0/16'))).toEqual([]);
  });

  test('a pod chooses are there, and it is told which one is meant', () => {
    const pod = podText({ metadata: 'annotations: { holdfast.dev/networks: "default,bakc" }' });
    expect(problemsOf(network('back', '10.1.0.0/16'), { path: 'pod.yaml', text: pod })).toMatchObject([
      { file: 'pod.yaml', line: 5, message: 'namespace `default` has no network `bakc`; did you mean `back`?' },
    ]);
    expect(problemsOf(network('bakc', '10.1.0.0/16'), { path: 'pod.yaml', text: pod })).toEqual([]);
  });
});
