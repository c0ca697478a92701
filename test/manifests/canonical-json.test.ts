import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, digestOf } from '../../manifests/index.ts';
import { holds } from './holds.ts';

const json = fc.jsonValue({ noUnicodeString: false });

describe('canonical JSON', () => {
  test('sorts keys by UTF-16 code units and has no white space', () => {
    const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, 1: 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
  });

  test.each([
    [-0, '0'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [333333333.3333333, '333333333.3333333'],
    [9007199254740992, '9007199254740992'],
    [0.000001, '0.000001'],
    ['\u000f\n"\\/€', '"\\u000f\\n\\"\\\\/€"'],
    [[null, true, [], {}], '[null,true,[],{}]'],
  ])('writes %j as RFC 8785 does', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test.each([[undefined], [Number.NaN], [Number.POSITIVE_INFINITY], [1n], ['\ud800'], [() => 1], [Symbol('a')]])(
    'refuses %p wherever it is',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(/canonical JSON cannot hold/);
      expect(() => canonicalJson({ a: [value] })).toThrow(/canonical JSON cannot hold/);
    },
  );

  test('refuses half a character in a key', () => {
    expect(() => canonicalJson({ '\ud800': 1 })).toThrow(/unpaired surrogate/);
  });

  test('holds the value, and the same text comes of it again', () => {
    holds(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('the digest', () => {
  test('is the SHA-256 of the canonical JSON', () => {
    expect(digestOf({ b: 1, a: 'é' })).toBe(`sha256:${createHash('sha256').update('{"a":"é","b":1}').digest('hex')}`);
  });

  test('does not depend on the order of keys', () => {
    holds(
      fc.property(json, fc.infiniteStream(fc.nat()), (value, order) => {
        expect(digestOf(withKeysShuffled(value, order))).toBe(digestOf(value));
      }),
    );
  });

  test('tells different values apart', () => {
    holds(
      fc.property(json, json, (a, b) => {
        expect(digestOf(a) === digestOf(b)).toBe(canonicalJson(a) === canonicalJson(b));
      }),
    );
  });
});

function withKeysShuffled(value: unknown, order: Iterator<number>): unknown {
  if (Array.isArray(value)) return value.map((item) => withKeysShuffled(item, order));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => ({ key, field, rank: Number(order.next().value) }));
  return Object.fromEntries(
    entries.sort((a, b) => a.rank - b.rank).map(({ key, field }) => [key, withKeysShuffled(field, order)]),
  );
}
