import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nodeRoutes, routesIn } from '../../agent/loop/node-routes.ts';
import { parseSubnet } from '../../manifests/index.ts';

const HEAD4 = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const line4 = (destination: string, mask: string) =>
  `eth0\t${destination}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`;
const line6 = (destination: string, prefix: string) =>
  `${destination} ${prefix} ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000100 00000001 00000000 00000001 eth0\n`;

test.each<[string, string, string, readonly string[]]>([
  ['nothing', '', '', []],
  ['a head alone', HEAD4, '', []],
  ['a range', HEAD4 + line4('0002A8C0', '00FFFFFF'), '', ['192.168.2.0/24']],
  ['a host', HEAD4 + line4('0100000A', 'FFFFFFFF'), '', ['10.0.0.1/32']],
  ['the default route', HEAD4 + line4('00000000', '00000000'), '', []],
  ['the same twice', HEAD4 + line4('0002A8C0', '00FFFFFF').repeat(2), '', ['192.168.2.0/24']],
  ['a unique local range', HEAD4, line6(`fd42${'0'.repeat(28)}`, '40'), ['fd42::/64']],
  [
    'a link-local and a public range',
    HEAD4,
    line6(`fe80${'0'.repeat(28)}`, '40') + line6(`2001${'0'.repeat(28)}`, '20'),
    [],
  ],
  ['what is no route', 'rubbish\n\t\t\n', 'rubbish\n', []],
])('%s', (_, table4, table6, expected) => {
  expect(routesIn(table4, table6)).toEqual(expected);
});

test('a range is read as the kernel has written it', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.integer({ min: 1, max: 32 }), (number, bits) => {
      const mask = (0xffffffff << (32 - bits)) >>> 0;
      const bytes = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
      const backwards = (value: number) => Buffer.from(bytes(value).reverse()).toString('hex').toUpperCase();
      const first = (number & mask) >>> 0;
      expect(routesIn(HEAD4 + line4(backwards(first), backwards(mask)), '')).toEqual([
        `${bytes(first).join('.')}/${bits}`,
      ]);
    }),
  );
});

test('those of this machine are ranges', async () => {
  for (const route of await nodeRoutes()) expect(parseSubnet(route)).not.toBeNull();
});
