import { describe, expect, test } from '@jest/globals';
import { parseManifests, podIdentity, type Workload } from '../../manifests/index.ts';
import { deploymentText, podText } from './manifest-texts.ts';

const DIGESTS = {
  'docker.io/library/nginx:latest': `sha256:${'1'.repeat(64)}`,
  'docker.io/library/nginx:1': `sha256:${'1'.repeat(64)}`,
  'docker.io/library/nginx:2': `sha256:${'2'.repeat(64)}`,
};

function identityOf(text: string, digests: Readonly<Record<string, string>> = DIGESTS): string {
  const { workloads, problems } = parseManifests([{ path: 'a.yaml', text }]);
  expect(problems).toEqual([]);
  return podIdentity(workloads[0]?.workload as Workload, digests);
}

const identity = identityOf(podText());

describe('the identity of a pod', () => {
  test('is a digest', () => {
    expect(identity).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test.each([
    ['limits', podText({ container: 'resources: { limits: { memory: 1Gi, cpu: 1, holdfast.dev/pids: 3 } }' })],
    ['the grace period', podText({ spec: 'terminationGracePeriodSeconds: 1' })],
    ['labels and annotations', podText({ metadata: 'labels: { a: b }\nannotations: { c: d }' })],
    ['the node selector', podText({ spec: 'nodeSelector: { a: b }' })],
    ['a default written out', podText({ spec: 'restartPolicy: Always', container: 'ports: []' })],
    ['the tag of the same image', podText({ container: 'image: nginx:1' })],
    ['the pull policy', podText({ container: 'imagePullPolicy: IfNotPresent' })],
    ['kind, replicas and strategy', deploymentText({ spec: 'replicas: 3\nstrategy: { type: Recreate }' })],
  ])('stays when only this changes: %s', (_, text) => {
    expect(identityOf(text)).toBe(identity);
  });

  test.each([
    ['the image', podText({ container: 'image: nginx:2' })],
    ['args', podText({ container: 'args: [a]' })],
    ['env', podText({ container: 'env: [{ name: A }]' })],
    ['security', podText({ container: 'securityContext: { readOnlyRootFilesystem: true }' })],
    ['host network', podText({ spec: 'hostNetwork: true' })],
    ['hostname', podText({ spec: 'hostname: other' })],
    ['subdomain', podText({ spec: 'subdomain: shop' })],
    ['volumes', podText({ spec: 'volumes: [{ name: a, emptyDir: {} }]' })],
    ['a second container', podText({ spec: 'containers: [{ name: web, image: nginx }, { name: b, image: nginx }]' })],
  ])('changes with %s', (_, text) => {
    expect(identityOf(text)).not.toBe(identity);
  });

  test('changes when the tag comes to mean another image', () => {
    const moved = { 'docker.io/library/nginx:latest': `sha256:${'3'.repeat(64)}` };
    expect(identityOf(podText(), moved)).not.toBe(identity);
  });

  test('stays when the IR gains fields that say nothing', () => {
    const { workloads } = parseManifests([{ path: 'a.yaml', text: podText() }]);
    const workload = workloads[0]?.workload as Workload;
    const [container] = workload.pod.containers;
    const later = {
      ...workload.pod,
      laterFlag: false,
      laterText: null,
      laterGroup: { laterList: [], laterMap: {} },
      containers: [{ ...container, laterList: [] }],
    } as unknown as Workload['pod'];
    expect(podIdentity({ ...workload, pod: later }, DIGESTS)).toBe(identity);
  });

  test('cannot be told before every image is resolved', () => {
    expect(() => identityOf(podText(), {})).toThrow(RangeError);
  });
});
