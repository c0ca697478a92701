import { describe, expect, test } from '@jest/globals';
import { type LabelSelector, parseManifests, selects } from '../../manifests/index.ts';
import { marked } from './marked-text.ts';

const text = (spec: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: guard, namespace: shop }\nspec: { ${spec} }`;
const read = (written: string) => parseManifests([{ path: 'policy.yaml', text: written }]);
const ALL = { matchLabels: {}, matchExpressions: [] };

describe('a NetworkPolicy', () => {
  test.each<[string, object]>([
    ['podSelector: {}', { podSelector: ALL, ingress: [], egress: null }],
    ['podSelector: {}, egress: []', { ingress: [], egress: [] }],
    ['podSelector: {}, policyTypes: [Egress]', { ingress: null, egress: [] }],
    ['podSelector: {}, ingress: [{}]', { ingress: [{ peers: null, ports: null }], egress: null }],
    ['podSelector: {}, ingress: [{ from: [], ports: [] }]', { ingress: [{ peers: null, ports: null }] }],
    [
      'podSelector: { matchLabels: { app: db }, matchExpressions: [{ key: tier, operator: In, values: [a, b] }] }',
      {
        podSelector: {
          matchLabels: { app: 'db' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
        },
      },
    ],
    [
      'podSelector: {}, ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }, { namespaceSelector: {} }], ports: [{ port: http }, { protocol: UDP, port: 53, endPort: 54 }, {}] }]',
      {
        ingress: [
          {
            peers: [
              { type: 'pods', podSelector: { ...ALL, matchLabels: { app: 'web' } }, namespaceSelector: null },
              { type: 'pods', podSelector: ALL, namespaceSelector: ALL },
            ],
            ports: [
              { protocol: 'TCP', port: 'http', endPort: null },
              { protocol: 'UDP', port: 53, endPort: 54 },
              { protocol: 'TCP', port: null, endPort: null },
            ],
          },
        ],
      },
    ],
    [
      'podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }] }]',
      { egress: [{ peers: [{ type: 'block', cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }], ports: null }] },
    ],
  ])('with %s', (spec, expected) => {
    const { resources, problems } = read(text(spec));
    expect(problems).toEqual([]);
    expect(resources[0]?.resource).toMatchObject({ kind: 'NetworkPolicy', namespace: 'shop', ...expected });
  });

  test.each<[string, string, string | RegExp]>([
    ['▶policyTypes: [Egress]', 'spec.podSelector', 'is required'],
    ['podSelector: {}, policyTypes: [▶Both]', 'spec.policyTypes[0]', /must be one of/],
    ['podSelector: {}, policyTypes: [Ingress], ▶egress: []', 'spec.egress', /no effect without `Egress`/],
    ['podSelector: {}, ingress: [{ ▶to: [] }]', 'spec.ingress[0].to', /unknown field/],
    ['podSelector: {}, ingress: [{ from: [▶{}] }]', 'spec.ingress[0].from[0]', /must have either/],
    [
      'podSelector: {}, ingress: [{ from: [▶{ podSelector: {}, ipBlock: { cidr: 10.0.0.0/8 } }] }]',
      'spec.ingress[0].from[0]',
      /must have either/,
    ],
    [
      'podSelector: {}, ingress: [{ from: [{ ipBlock: { ▶cidr: 10.0.0.1/8 } }] }]',
      'spec.ingress[0].from[0].ipBlock.cidr',
      /beginning at its first address/,
    ],
    [
      'podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/8, except: [▶11.0.0.0/16] } }] }]',
      'spec.ingress[0].from[0].ipBlock.except[0]',
      /must be a part of `cidr`/,
    ],
    [
      'podSelector: {}, ingress: [{ ports: [{ port: 5, ▶endPort: 4 }] }]',
      'spec.ingress[0].ports[0].endPort',
      /not be less than `port`/,
    ],
    [
      'podSelector: {}, ingress: [{ ports: [{ port: http, ▶endPort: 4 }] }]',
      'spec.ingress[0].ports[0].endPort',
      /must be a number/,
    ],
    ['podSelector: {}, ingress: [{ ports: [{ ▶protocol: SCTP }] }]', 'spec.ingress[0].ports[0].protocol', /one of/],
    [
      'podSelector: { matchExpressions: [{ key: a, ▶operator: In }] }',
      'spec.podSelector.matchExpressions[0].operator',
      /needs `values`/,
    ],
    [
      'podSelector: { matchExpressions: [{ key: a, ▶operator: Exists, values: [b] }] }',
      'spec.podSelector.matchExpressions[0].operator',
      /takes no `values`/,
    ],
    ['podSelector: { matchLabels: { ▶"a b": c } }', 'spec.podSelector.matchLabels["a b"]', /^key must be/],
  ])('cannot say %s', (spec, path, message) => {
    const { text: plain, line, column } = marked(text(spec));
    const expected = path === 'spec.podSelector' ? { line: 4, column: 1 } : { line, column };
    expect(read(plain).problems).toEqual([
      {
        ...{ file: 'policy.yaml', ...expected, path },
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      },
    ]);
  });
});

describe('a selector', () => {
  const expression = (operator: LabelSelector['matchExpressions'][number]['operator'], ...values: string[]) => ({
    matchLabels: {},
    matchExpressions: [{ key: 'tier', operator, values }],
  });

  test.each<[LabelSelector, boolean, boolean, boolean]>([
    [ALL, true, true, true],
    [{ ...ALL, matchLabels: { tier: 'a' } }, true, false, false],
    [expression('In', 'a', 'c'), true, false, false],
    [expression('NotIn', 'a'), false, true, true],
    [expression('Exists'), true, true, false],
    [expression('DoesNotExist'), false, false, true],
    [{ ...ALL, matchLabels: { constructor: 'Object' } }, false, false, false],
  ])('%j', (selector, a, b, none) => {
    expect([{ tier: 'a' }, { tier: 'b' }, {}].map((labels) => selects(selector, labels as never))).toEqual([
      a,
      b,
      none,
    ]);
  });
});
