import { describe, expect, test } from '@jest/globals';
import { materialOf } from '../../agent/material/material.ts';
import { podFacts } from '../../agent/material/pod-facts.ts';
import { projectedFiles } from '../../agent/material/projected-files.ts';
import { resolveContainer } from '../../agent/material/resolve-container.ts';
import { parseManifests, type Workload } from '../../manifests/index.ts';

const RESOURCES = 'resources: { limits: { cpu: 1500m, memory: 100Mi }, requests: { cpu: 250m, memory: 64Mi } }';

function workload(containers: string, volumes = '[]'): Workload {
  const text = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web, tier: back }, annotations: { note: 'say "so"', an: other } }
    spec:
      volumes: ${volumes}
      containers:
${containers}
`;
  const { workloads, problems } = parseManifests([{ path: 'web.yaml', text }]);
  const [located] = workloads;
  if (problems.length > 0 || located === undefined) throw new Error(JSON.stringify(problems));
  return located.workload;
}

const facts = (of: Workload) => podFacts(of, 'shop_web_3_abc', 'edge-1');

function variable(valueFrom: string): string | undefined {
  const of = workload(
    `        - { name: app, image: 'reg.test/app:1', ${RESOURCES}, env: [{ name: A, valueFrom: { ${valueFrom} } }] }`,
  );
  const [container] = of.pod.containers;
  if (container === undefined) throw new Error('no container');
  return resolveContainer(container, facts(of), materialOf([])).container.env[0]?.value;
}

function file(item: string): string {
  const of = workload(
    `        - { name: app, image: 'reg.test/app:1', ${RESOURCES} }`,
    `[{ name: me, downwardAPI: { items: [{ path: it, ${item} }] } }]`,
  );
  const [volume] = of.pod.volumes;
  if (volume?.type !== 'projected') throw new Error('no projected volume');
  return Buffer.from(projectedFiles(volume, facts(of), materialOf([]))[0]?.bytes ?? []).toString();
}

describe('a limit or request of a container', () => {
  test.each([
    ['limits.cpu', '', '2'],
    ['limits.cpu', ', divisor: 1m', '1500'],
    ['limits.cpu', ', divisor: "1"', '2'],
    ['requests.cpu', '', '1'],
    ['requests.cpu', ', divisor: 100m', '3'],
    ['limits.memory', '', String(100 * 2 ** 20)],
    ['limits.memory', ', divisor: 1Mi', '100'],
    ['requests.memory', ', divisor: 1Gi', '1'],
    ['requests.memory', ', divisor: 10M', '7'],
  ])('%s%s is %s, as a variable and as a file', (resource, divisor, expected) => {
    expect(variable(`resourceFieldRef: { resource: ${resource}${divisor} }`)).toBe(expected);
    expect(file(`resourceFieldRef: { containerName: app, resource: ${resource}${divisor} }`)).toBe(expected);
  });
});

describe('a field of the pod', () => {
  test.each([
    ['metadata.name', 'web-abc-3'],
    ['metadata.namespace', 'shop'],
    ['spec.nodeName', 'edge-1'],
    ["metadata.labels['app']", 'web'],
    ["metadata.annotations['note']", 'say "so"'],
    ["metadata.labels['none']", ''],
    ["metadata.labels['constructor']", ''],
  ])('%s is %j, as a variable and as a file', (path, expected) => {
    expect(variable(`fieldRef: { fieldPath: "${path}" }`)).toBe(expected);
    expect(file(`fieldRef: { fieldPath: "${path}" }`)).toBe(expected);
  });

  test('is all labels or annotations in a file, each on its line', () => {
    expect(file('fieldRef: { fieldPath: metadata.labels }')).toBe('app="web"\ntier="back"');
    expect(file('fieldRef: { fieldPath: metadata.annotations }')).toBe('an="other"\nnote="say \\"so\\""');
  });

  test('is a name of its own for each pod, the same every time', () => {
    const uid = variable('fieldRef: { fieldPath: metadata.uid }');
    expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(variable('fieldRef: { fieldPath: metadata.uid }')).toBe(uid);
  });
});
