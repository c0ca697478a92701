import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeLaunchSpec } from '../../native/launch/encode.ts';
import { buildPath } from '../../native/library.ts';
import { anyLaunchSpec, expectedLine } from './launch-specs.ts';

const samples = fc.sample(anyLaunchSpec, { numRuns: 200, seed: 20_261_123 });

/** @returns what the shim's decoder, built with the sanitizers, makes of each. */
function decode(specs: readonly Buffer[]): readonly string[] {
  const input = Buffer.concat(specs.flatMap((spec) => [lengthOf(spec), spec]));
  const result = spawnSync(buildPath('sanitize/shim-parts'), { input, maxBuffer: 2 ** 28 });
  expect(result.stderr.toString()).toBe('');
  expect(result.status).toBe(0);
  return result.stdout.toString().split('\n').slice(0, -1);
}

function lengthOf(spec: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(spec.length);
  return length;
}

describe('a launch spec', () => {
  beforeAll(() => {
    const make = spawnSync('make', ['-s', '-C', 'native', 'sanitize'], { encoding: 'utf8' });
    expect([make.status, make.stderr]).toEqual([0, '']);
  }, 120_000);

  test('arrives in the shim as it was written', () => {
    expect(decode(samples.map(encodeLaunchSpec))).toEqual(samples.map(expectedLine));
  });

  test('cut short at any byte is refused', () => {
    const whole = samples.slice(0, 12).map(encodeLaunchSpec);
    const cut = whole.flatMap((spec) => [...spec.keys()].map((length) => spec.subarray(0, length)));
    expect(new Set(decode(cut))).toEqual(new Set(['bad']));
  });

  test('that says it is as long as it was cut is refused too', () => {
    const whole = samples.slice(0, 12).map(encodeLaunchSpec);
    const cut = whole.flatMap((spec) =>
      [...spec.keys()].slice(8).map((length) => {
        const shorter = Buffer.from(spec.subarray(0, length));
        shorter.writeUInt32LE(length, 4);
        return shorter;
      }),
    );
    expect(new Set(decode(cut))).toEqual(new Set(['bad']));
  });

  test('longer than it says is refused', () => {
    expect(decode(samples.map((spec) => Buffer.concat([encodeLaunchSpec(spec), Buffer.alloc(1)])))).toEqual(
      samples.map(() => 'bad'),
    );
  });

  test('with any byte changed is read within its bounds', () => {
    const changed = samples.slice(0, 20).flatMap((spec) => {
      const bytes = encodeLaunchSpec(spec);
      return [...bytes.keys()].flatMap((at) =>
        [0xff, 0x7f, 0].map((value) => {
          const copy = Buffer.from(bytes);
          copy[at] = value;
          return copy;
        }),
      );
    });
    expect(decode(changed)).toHaveLength(changed.length);
  });

  test('with a NUL in a text, or a number too large, is not written', () => {
    const [spec] = fc.sample(anyLaunchSpec, { numRuns: 1, seed: 1 });
    expect(() => encodeLaunchSpec({ ...spec, mode: 'sandbox', hostname: 'a\0b' } as never)).toThrow(
      'must not contain NUL',
    );
    const sandbox = { mode: 'sandbox', shimGroupFiles: [], users: 'host', network: 'host', hostname: '', idBase: 0 };
    expect(() => encodeLaunchSpec({ ...sandbox, idCount: 2 ** 32 } as never)).toThrow('out of range');
  });
});
