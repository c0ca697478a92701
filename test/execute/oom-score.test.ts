import { expect, test } from '@jest/globals';
import { oomScoreAdj } from '../../agent/execute/oom-score.ts';
import type { Container } from '../../manifests/index.ts';
import { podOf } from './containers.ts';

const NODE_BYTES = 8 * 2 ** 30;

test.each([
  ['that asks for nothing', '', 1000],
  ['whose requests are its limits', 'resources: { limits: { cpu: 1, memory: 1Gi } }', -997],
  [
    'whose requests equal its limits',
    'resources: { requests: { cpu: 1, memory: 1Gi }, limits: { cpu: 1, memory: 1Gi } }',
    -997,
  ],
  ['that asks for an eighth of the memory', 'resources: { requests: { memory: 1Gi } }', 875],
  ['that asks for CPU only', 'resources: { requests: { cpu: 1 } }', 999],
  ['that has a limit of CPU only', 'resources: { limits: { cpu: 1 } }', 999],
  [
    'that may use more than it asks for',
    'resources: { requests: { cpu: 1, memory: 1Gi }, limits: { cpu: 2, memory: 1Gi } }',
    875,
  ],
  ['that asks for all of it', 'resources: { requests: { memory: 8Gi } }', 3],
  ['that asks for more than there is', 'resources: { requests: { memory: 80Gi } }', 3],
])('a pod %s', (_, container, score) => {
  const pod = podOf({ container });
  expect(oomScoreAdj(pod, pod.containers[0] as Container, NODE_BYTES)).toBe(score);
});

test('one container that asks for less makes its whole pod burstable', () => {
  const pod = podOf({
    spec: 'initContainers: [{ name: first, image: reg.test/app:1 }]',
    container: 'resources: { limits: { cpu: 1, memory: 1Gi } }',
  });
  expect(oomScoreAdj(pod, pod.containers[0] as Container, NODE_BYTES)).toBe(875);
  expect(oomScoreAdj(pod, pod.initContainers[0] as Container, NODE_BYTES)).toBe(999);
});
