import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseBytes, parseCount, parseCpuMillis } from '../../manifests/index.ts';
import { holds } from './holds.ts';

describe('a CPU quantity', () => {
  test.each([
    ['1', 1000],
    ['0', 0],
    ['0.5', 500],
    ['.5', 500],
    ['2.', 2000],
    ['+1', 1000],
    ['100m', 100],
    ['1e-1', 100],
    ['1E1', 10_000],
    ['1k', 1_000_000],
    ['1500000u', 1500],
    ['1000000n', 1],
  ])('%s is %d thousandths', (text, millis) => {
    expect(parseCpuMillis(text)).toBe(millis);
  });

  test.each([
    ['0.0005', /finer than a thousandth/],
    ['1n', /finer than a thousandth/],
    ['1K', /not a CPU quantity/],
    ['-1', /not a CPU quantity/],
    ['', /not a CPU quantity/],
    ['.', /not a CPU quantity/],
    ['m', /not a CPU quantity/],
    ['1 m', /not a CPU quantity/],
    ['1e', /not a CPU quantity/],
    ['1e100', /not a CPU quantity/],
    ['1e99', /too large/],
    ['9'.repeat(49), /not a CPU quantity/],
    ['1\n', /not a CPU quantity/],
    ['٣', /not a CPU quantity/],
  ])('%j is refused', (text, problem) => {
    expect(parseCpuMillis(text)).toEqual(expect.stringMatching(problem));
  });
});

describe('a quantity of bytes', () => {
  test.each([
    ['128974848', 128_974_848],
    ['129e6', 129_000_000],
    ['129M', 129_000_000],
    ['123Mi', 128_974_848],
    ['1Ki', 1024],
    ['1k', 1000],
    ['1G', 1e9],
    ['1T', 1e12],
    ['1P', 1e15],
    ['1Gi', 2 ** 30],
    ['1Ti', 2 ** 40],
    ['1Pi', 2 ** 50],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['0.1Ki', 103],
    ['1e-1', 1],
    ['0.001E', 1e15],
  ])('%s is %d', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each([
    ['100m', /did you mean `100Mi`\?$/],
    ['1E', /too large/],
    ['1Ei', /too large/],
    ['1MB', /not a quantity of bytes/],
    ['1mi', /not a quantity of bytes/],
    ['1KI', /not a quantity of bytes/],
  ])('%s is refused', (text, problem) => {
    expect(parseBytes(text)).toEqual(expect.stringMatching(problem));
  });
});

test('a count is whole', () => {
  expect(parseCount('4k')).toBe(4000);
  expect(parseCount('1.0')).toBe(1);
  expect(parseCount('1.5')).toMatch(/not a whole number/);
  expect(parseCount('many')).toMatch(/not a count/);
});

describe('quantities', () => {
  const amount = fc.nat({ max: 2 ** 40 });

  test('mean the same in every notation', () => {
    holds(
      fc.property(amount, (n) => {
        const bytes = n % 2 ** 20;
        for (const text of [`${bytes}`, `${bytes}e0`, `${bytes}.0`, `0${bytes}`, `${bytes * 1000}e-3`]) {
          expect(parseBytes(text)).toBe(bytes);
        }
        expect(parseBytes(`${bytes}Ki`)).toBe(bytes * 1024);
        expect(parseBytes(`${bytes}k`)).toBe(bytes * 1000);
        expect(parseCpuMillis(`${bytes}m`)).toBe(bytes);
        expect(parseCpuMillis(`${bytes}`)).toBe(bytes * 1000);
      }),
    );
  });

  test('keep their order', () => {
    holds(
      fc.property(amount, amount, fc.constantFrom('', 'k', 'Ki', 'e1'), (a, b, suffix) => {
        const [x, y] = [parseBytes(`${a / 8}${suffix}`), parseBytes(`${b / 8}${suffix}`)];
        expect(a < b ? x <= y : y <= x).toBe(true);
      }),
    );
  });

  test('of any text are a whole number from 0 on, or a reason', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9.eE+mukKMGi-]{0,12}$/));
    holds(
      fc.property(text, fc.constantFrom(parseBytes, parseCount, parseCpuMillis), (it, parse) => {
        const parsed = parse(it);
        if (typeof parsed === 'number') expect(Number.isSafeInteger(parsed) && parsed >= 0).toBe(true);
        else expect(parsed).toContain('; ');
      }),
      1000,
    );
  });
});
