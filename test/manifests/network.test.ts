import { describe, expect, test } from '@jest/globals';
import { parseManifests } from '../../manifests/index.ts';
import { marked } from './marked-text.ts';

const networkText = (lines: readonly string[], name = 'back'): string =>
  ['apiVersion: holdfast.dev/v1alpha1', 'kind: Network', 'metadata:', `  name: ${name}`, ...lines].join('\n');

const read = (text: string) => parseManifests([{ path: 'net.yaml', text }]);

describe('a Network', () => {
  test.each([
    [[], { subnet4: null, subnet6: null, isOutbound: true }],
    [['  namespace: shop', 'spec:', '  outbound: false'], { namespace: 'shop', isOutbound: false }],
    [['spec: { subnets: [10.1.0.0/24] }'], { subnet4: '10.1.0.0/24', subnet6: null }],
    [['spec: { subnets: ["FD42:0:0::/64", 10.1.0.0/24] }'], { subnet4: '10.1.0.0/24', subnet6: 'fd42::/64' }],
  ])('that says %j', (lines, expected) => {
    const { workloads, resources, problems } = read(networkText(lines));
    expect({ workloads, problems }).toEqual({ workloads: [], problems: [] });
    expect(resources).toEqual([
      {
        resource: { kind: 'Network', namespace: 'default', name: 'back', ...defaults, ...expected },
        origin: { file: 'net.yaml', positions: expect.objectContaining({ 'metadata.name': { line: 4, column: 3 } }) },
      },
    ]);
  });

  test.each<[readonly string[], string, string | RegExp]>([
    [['spec: { ▶subnet: 10.1.0.0/24 }'], 'spec.subnet', 'unknown field `subnet`, did you mean `subnets`?'],
    [['spec: { ▶subnets: [] }'], 'spec.subnets', 'must have at least 1 entry'],
    [['spec: { subnets: [▶10.1.0.1/24] }'], 'spec.subnets[0]', /beginning at its first address/],
    [['spec: { subnets: [▶10.1.0.0] }'], 'spec.subnets[0]', /must be a range such as/],
    [['spec: { subnets: [▶10.01.0.0/24] }'], 'spec.subnets[0]', /must be a range such as/],
    [['spec: { subnets: [▶10.1.0.0/30] }'], 'spec.subnets[0]', 'must have a prefix of 8 to 28 bits in IPv4'],
    [['spec: { subnets: [▶"2001:db8::/64"] }'], 'spec.subnets[0]', /unique local/],
    [['spec: { ▶subnets: [10.1.0.0/24, 10.2.0.0/24] }'], 'spec.subnets', /one range of each family/],
    [['spec: { ▶outbound: no }'], 'spec.outbound', /write `false`/],
    [['▶status: {}'], 'status', 'field `status` is not supported yet; remove it'],
  ])('cannot say %j', (lines, path, message) => {
    const { text, line, column } = marked(networkText(lines));
    expect(read(text).problems).toEqual([
      {
        file: 'net.yaml',
        line,
        column,
        path,
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      },
    ]);
  });

  test('cannot be called none', () => {
    expect(read(networkText([], 'none')).problems).toMatchObject([{ path: 'metadata.name', line: 4 }]);
  });
});

const defaults = { labels: {}, annotations: {}, subnet4: null, subnet6: null, isOutbound: true };
