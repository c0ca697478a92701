import { expect, test } from '@jest/globals';
import { parseManifests, selectForNode } from '../../manifests/index.ts';
import { podText } from './manifest-texts.ts';

const { workloads } = parseManifests(
  ['', 'role: edge', 'role: edge, zone: a', 'constructor: a'].map((selector, index) => ({
    path: `${index}.yaml`,
    text: podText({ metadata: `name: w${index}`, spec: `nodeSelector: { ${selector} }` }),
  })),
);

test.each([
  [{}, ['w0']],
  [{ role: 'edge' }, ['w0', 'w1']],
  [{ role: 'edge', zone: 'a', more: 'b' }, ['w0', 'w1', 'w2']],
  [{ role: 'core', zone: 'a' }, ['w0']],
  [{ role: '' }, ['w0']],
  [{ constructor: 'a' }, ['w0', 'w3']],
])('a node with labels %j', (labels, names) => {
  const selected = selectForNode(workloads, labels as Readonly<Record<string, string>>);
  expect(selected.map(({ workload }) => workload.name)).toEqual(names);
});
