import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { blockRanges } from '../../../agent/reconcile/networks/block-ranges.ts';
import { formatSubnet, parseAddress } from '../../../manifests/index.ts';

test.each<[string, readonly string[], readonly (readonly [string, string])[]]>([
  ['10.0.0.0/8', [], [['10.0.0.0', '10.255.255.255']]],
  ['0.0.0.0/0', [], [['0.0.0.0', '255.255.255.255']]],
  ['10.0.0.0/24', ['10.0.0.0/25'], [['10.0.0.128', '10.0.0.255']]],
  ['10.0.0.0/24', ['10.0.0.128/25'], [['10.0.0.0', '10.0.0.127']]],
  [
    '10.0.0.0/24',
    ['10.0.0.64/26'],
    [
      ['10.0.0.0', '10.0.0.63'],
      ['10.0.0.128', '10.0.0.255'],
    ],
  ],
  ['10.0.0.0/24', ['10.0.0.128/25', '10.0.0.0/25'], []],
  ['10.0.0.0/24', ['10.0.0.0/26', '10.0.0.16/28', '10.0.0.0/25'], [['10.0.0.128', '10.0.0.255']]],
  ['10.0.0.4/32', [], [['10.0.0.4', '10.0.0.4']]],
  ['fd00::/64', ['fd00::/65'], [['fd00::8000:0:0:0', 'fd00::ffff:ffff:ffff:ffff']]],
])('%s without %j is %j', (cidr, except, expected) => {
  expect(blockRanges(cidr, except)).toEqual(expected.map(([first, last]) => ({ first, last })));
});

test('an address is in the ranges if it is in the block and in none of the exceptions; they are in order and apart', () => {
  const block = 2n ** 24n * 10n;
  const part = fc.tuple(fc.nat(255), fc.integer({ min: 25, max: 32 })).map(([n, bits]) => {
    const size = 2 ** (32 - bits);
    return { first: Math.floor(n / size) * size, size };
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (holes) => {
      const except = holes.map(({ first, size }) =>
        formatSubnet({ family: 4, first: block + BigInt(first), prefixLength: 32 - Math.log2(size) }),
      );
      const ranges = blockRanges('10.0.0.0/24', except).map(({ first, last }) =>
        [first, last].map((text) => Number((parseAddress(text)?.value ?? 0n) - block)),
      );
      for (let n = 0; n < 256; n += 1) {
        const isHole = holes.some(({ first, size }) => n >= first && n < first + size);
        expect(ranges.some(([first = 0, last = 0]) => n >= first && n <= last)).toBe(!isHole);
      }
      const flat = ranges.flat();
      expect(flat).toEqual([...flat].sort((a, b) => a - b));
    }),
  );
});
