import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expandEnv, expandVariables } from '../../manifests/lowering/expand-variables.ts';
import { holds } from './holds.ts';

const variables = new Map([
  ['A', 'a'],
  ['B', '$(A)'],
  ['EMPTY', ''],
]);

describe('variables in text', () => {
  test.each([
    ['$(A)', 'a'],
    ['x$(A)y$(A)', 'xaya'],
    ['$(EMPTY)', ''],
    ['$(B)', '$(A)'],
    ['$(C)', '$(C)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$$$$(A)', '$$(A)'],
    ['$$', '$'],
    ['$', '$'],
    ['$A $[A] $ (A)', '$A $[A] $ (A)'],
    ['$(A', '$(A'],
    ['$(A$(A)', '$(A$(A)'],
    ['$()', '$()'],
    ['$($(A))', '$($(A))'],
    ['$(A)$', 'a$'],
  ])('%s becomes %s', (text, expected) => {
    expect(expandVariables(text, variables)).toBe(expected);
  });

  test('are written plainly by doubling every `$`', () => {
    holds(
      fc.property(fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', ' ') }), (text) => {
        expect(expandVariables(text.replaceAll('$', '$$$$'), variables)).toBe(text);
      }),
    );
  });
});

test('env values see the variables before them only', () => {
  const written = [
    { name: 'A', value: '$(A)$(B)', valueFrom: null },
    { name: 'B', value: '$(A)!', valueFrom: null },
  ];
  expect(expandEnv(written)).toEqual([
    { name: 'A', value: '$(A)$(B)', valueFrom: null },
    { name: 'B', value: '$(A)$(B)!', valueFrom: null },
  ]);
});
