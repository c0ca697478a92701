import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ResolverSources, resolvConf } from '../../agent/execute/resolv-conf.ts';
import type { PodDns } from '../../manifests/index.ts';

const DNS: PodDns = { isWithoutNode: false, nameservers: [], searches: [], options: [] };
const SOURCES: ResolverSources = { node: 'nameserver 192.0.2.1\nsearch lan\n', upstream: '', nameservers: [] };
const HINT = '# of the node, which this pod does not reach; network.nameservers of the agent names others:\n';

const file = (
  dns: Partial<PodDns>,
  sources: Partial<ResolverSources> = {},
  reach: 'loopback' | 'network' = 'network',
) => resolvConf({ ...DNS, ...dns }, { ...SOURCES, ...sources }, reach);

describe('a pod’s resolv.conf has', () => {
  test.each<[string, Partial<PodDns>, Partial<ResolverSources>, string]>([
    ['the node’s servers and searches', {}, {}, 'nameserver 192.0.2.1\nsearch lan\n'],
    [
      'comments, tabs and unknown words of the node’s left out',
      {},
      { node: '; c\n#nameserver 1.1.1.1\nnameserver\t192.0.2.1 # here\nsortlist 1.2.3.4\noptions ndots:2 edns0\n' },
      'nameserver 192.0.2.1\noptions ndots:2 edns0\n',
    ],
    [
      'its own first, each once, and at most three servers',
      { nameservers: ['192.0.2.9', '192.0.2.1'], searches: ['shop', 'lan'], options: ['ndots:1'] },
      { node: 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nsearch lan\noptions ndots:1\n' },
      'nameserver 192.0.2.9\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch shop lan\noptions ndots:1\n',
    ],
    [
      'nothing of the node when it wants none',
      { isWithoutNode: true, nameservers: ['192.0.2.9'] },
      { nameservers: ['192.0.2.5'] },
      'nameserver 192.0.2.9\n',
    ],
    [
      'the servers of the agent’s configuration in place of the node’s',
      {},
      { nameservers: ['192.0.2.5'] },
      'nameserver 192.0.2.5\nsearch lan\n',
    ],
    [
      'those behind a local resolver, with their searches',
      {},
      { node: 'nameserver 127.0.0.53\noptions edns0\n', upstream: 'nameserver 192.0.2.7\nsearch corp\n' },
      'nameserver 192.0.2.7\nsearch corp\n',
    ],
    ['a word on what was left out', {}, { node: 'nameserver 127.0.0.53\n' }, `${HINT}# 127.0.0.53\n`],
    [
      'a word on each loopback address beside servers it reaches',
      {},
      { node: 'nameserver ::1\nnameserver fe80::1\nnameserver 192.0.2.1\n' },
      `${HINT}# ::1\n# fe80::1\nnameserver 192.0.2.1\n`,
    ],
    ['nothing at all of nothing', {}, { node: '' }, ''],
  ])('%s', (_, dns, sources, expected) => {
    expect(file(dns, sources)).toBe(expected);
  });

  test('the node’s own resolver where it shares the node’s network', () => {
    expect(file({}, { node: 'nameserver 127.0.0.53\n' }, 'loopback')).toBe('nameserver 127.0.0.53\n');
  });
});

test('whatever the node has, a pod of a network asks no loopback address, and at most three servers', () => {
  const server = fc.constantFrom(
    '127.0.0.1',
    '127.0.0.53',
    '::1',
    'fe80::1',
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.3',
    'fd00::1',
  );
  const text = fc.array(server).map((servers) => servers.map((each) => `nameserver ${each}\n`).join(''));
  fc.assert(
    fc.property(text, text, (node, upstream) => {
      const asked = file({}, { node, upstream })
        .split('\n')
        .filter((line) => line.startsWith('nameserver'));
      expect(asked.length).toBeLessThanOrEqual(3);
      expect(new Set(asked).size).toBe(asked.length);
      for (const line of asked) expect(line).toMatch(/^nameserver (192\.0\.2\.\d|fd00::1)$/);
      expect(asked.length > 0).toBe(/192\.|fd00/.test(node) || /192\.|fd00/.test(upstream));
    }),
  );
});
