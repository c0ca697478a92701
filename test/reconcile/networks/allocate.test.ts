import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allocateNetworks, type Occupied, type SubnetPools } from '../../../agent/reconcile/networks/allocate.ts';
import type { WantedNetwork } from '../../../agent/reconcile/networks/networking.ts';
import { parseSubnet, subnetsOverlap } from '../../../manifests/index.ts';
import type { NetworkSpec } from '../../../native/index.ts';

const POOLS: SubnetPools = { ipv4: ['10.1.0.0/22', '10.9.0.0/24'], prefix4: 24, ipv6: 'fd42::/48' };
const EMPTY: Occupied = { allocations: {}, networks: [], routes: [] };

const wanted = (name: string, changes: Partial<WantedNetwork> = {}): WantedNetwork => ({
  ...{ name, subnet4: null, subnet6: null, isOutbound: true },
  ...changes,
});
const given = (names: readonly WantedNetwork[], occupied: Partial<Occupied> = {}, pools = POOLS) =>
  allocateNetworks(names, pools, { ...EMPTY, ...occupied }).map(({ name, subnet4, subnet6 }) => [
    name,
    subnet4,
    subnet6,
  ]);
const present = (name: string, subnet4: string, subnet6: string | null): NetworkSpec => ({
  ...{ name, subnet4, subnet6, isOutbound: true },
});

describe('a network gets', () => {
  test('the first free ranges of the pools, one pool after the other', () => {
    expect(given(['a', 'b', 'c', 'd', 'e'].map((name) => wanted(name)))).toEqual([
      ['a', '10.1.0.0/24', 'fd42::/64'],
      ['b', '10.1.1.0/24', 'fd42:0:0:1::/64'],
      ['c', '10.1.2.0/24', 'fd42:0:0:2::/64'],
      ['d', '10.1.3.0/24', 'fd42:0:0:3::/64'],
      ['e', '10.9.0.0/24', 'fd42:0:0:4::/64'],
    ]);
  });

  test('none, and is left out, when the pools are used up', () => {
    const names = Array.from({ length: 6 }, (_, i) => wanted(`n${i}`));
    expect(given(names).map(([name]) => name)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
  });

  test('what was written, whatever the pools are', () => {
    expect(given([wanted('a', { subnet4: '192.168.7.0/28', subnet6: 'fd01::/64' })])).toEqual([
      ['a', '192.168.7.0/28', 'fd01::/64'],
    ]);
  });

  test('no IPv6 where the agent has no range for it', () => {
    expect(given([wanted('a')], {}, { ...POOLS, ipv6: null })).toEqual([['a', '10.1.0.0/24', null]]);
  });

  test('what it has on the node before what was remembered, and that before anything new', () => {
    const allocations = { a: present('a', '10.1.2.0/24', null), b: present('b', '10.1.3.0/24', 'fd42:0:0:9::/64') };
    const networks = [present('a', '10.5.0.0/24', 'fd42:0:0:7::/64')];
    expect(given([wanted('a'), wanted('b')], { allocations, networks })).toEqual([
      ['a', '10.5.0.0/24', 'fd42:0:0:7::/64'],
      ['b', '10.1.3.0/24', 'fd42:0:0:9::/64'],
    ]);
  });

  test('another range than it had once somebody else was written to have that', () => {
    const networks = [present('a', '10.1.0.0/24', null)];
    expect(given([wanted('a'), wanted('b', { subnet4: '10.1.0.0/25' })], { networks })[0]?.[1]).toBe('10.1.1.0/24');
  });

  test('no range that the node has a route to, unless it has it already', () => {
    const routes = ['10.1.0.0/23'];
    expect(given([wanted('a')], { routes })[0]?.[1]).toBe('10.1.2.0/24');
    expect(given([wanted('a')], { routes, networks: [present('a', '10.1.0.0/24', null)] })[0]?.[1]).toBe('10.1.0.0/24');
  });

  test('what networks of before had only when nothing else is left', () => {
    const gone = Object.fromEntries(
      ['10.1.0.0/24', '10.1.1.0/24', '10.1.2.0/24', '10.1.3.0/24'].map((range, i) => [
        `old${i}`,
        present('', range, null),
      ]),
    );
    expect(given([wanted('a'), wanted('b')], { allocations: gone }).map(([, range]) => range)).toEqual([
      '10.9.0.0/24',
      '10.1.0.0/24',
    ]);
  });
});

test('whatever is wanted and was there, no two networks overlap, none takes a route, and the same comes out again', () => {
  const range = fc.tuple(fc.nat(7), fc.constantFrom(23, 24, 25)).map(([n, bits]) => `10.1.${n & ~1}.0/${bits}`);
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 });
  const allocations = fc
    .dictionary(fc.constantFrom('a', 'b', 'x', 'y'), range)
    .map((known) =>
      Object.fromEntries(Object.entries(known).map(([name, subnet4]) => [name, present(name, subnet4, null)])),
    );
  fc.assert(
    fc.property(names, allocations, fc.array(range, { maxLength: 2 }), (chosen, known, routes) => {
      const list = chosen.map((name) => wanted(name));
      const first = allocateNetworks(list, POOLS, { allocations: known, networks: [], routes });
      const ranges = first.map(({ subnet4 }) => parseSubnet(subnet4));
      for (const [i, one] of ranges.entries()) {
        if (one === null) throw new Error('no range');
        for (const other of ranges.slice(i + 1)) expect(other && subnetsOverlap(one, other)).toBe(false);
        const isKept = known[first[i]?.name ?? '']?.subnet4 === first[i]?.subnet4;
        for (const route of routes.map(parseSubnet))
          expect(isKept || !(route && subnetsOverlap(one, route))).toBe(true);
      }
      expect(allocateNetworks(list, POOLS, { allocations: known, networks: first, routes })).toEqual(first);
    }),
  );
});
