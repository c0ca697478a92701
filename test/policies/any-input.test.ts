import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DEFAULT_BUNDLE_DIR, openPolicyEngine, type PolicyEngine } from '../../policies/index.ts';
import { ORIGIN, rulesOf, soundInput } from './sound-input.ts';

let engine: PolicyEngine;
beforeAll(async () => {
  engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR });
});
afterAll(() => engine.close());

const garbage = fc.oneof(fc.jsonValue(), fc.anything());
const notFalse = garbage.filter((value) => value !== false);
const extra = fc.dictionary(
  fc.string().map((key) => `x-${key}`),
  fc.jsonValue(),
);

describe('the default bundle, given anything,', () => {
  test('never allows garbage', async () => {
    await fc.assert(
      fc.asyncProperty(garbage, async (input) => {
        expect((await engine.evaluate(input as never, ORIGIN)).decision).toBe('deny');
      }),
      { numRuns: 300 },
    );
  });

  test('never allows a pod that is garbage', async () => {
    await fc.assert(
      fc.asyncProperty(garbage, async (pod) => {
        expect((await engine.evaluate(soundInput({ input: { pod } }), ORIGIN)).decision).toBe('deny');
      }),
    );
  });

  test('never allows containers that are garbage', async () => {
    await fc.assert(
      fc.asyncProperty(garbage, async (containers) => {
        expect((await engine.evaluate(soundInput({ pod: { containers } }), ORIGIN)).decision).toBe('deny');
      }),
    );
  });

  test.each(['privileged', 'allowPrivilegeEscalation'])('takes only false for not %s', async (name) => {
    await fc.assert(
      fc.asyncProperty(notFalse, async (value) => {
        const verdict = await engine.evaluate(soundInput({ securityContext: { [name]: value } }), ORIGIN);
        expect(verdict.decision).toBe('deny');
      }),
    );
  });

  test('takes no facts that are garbage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('user', 'pinnedDigest', 'signedBy'), fc.jsonValue(), async (name, value) => {
        fc.pre(!isSoundFact(name, value));
        expect((await engine.evaluate(soundInput({ facts: { [name]: value } }), ORIGIN)).decision).toBe('deny');
      }),
    );
  });

  test('allows what is sound whatever else the input holds', async () => {
    await fc.assert(
      fc.asyncProperty(extra, extra, extra, async (input, pod, container) => {
        expect(await engine.evaluate(soundInput({ input, pod, container }), ORIGIN)).toEqual({ decision: 'allow' });
      }),
      { numRuns: 50 },
    );
  });

  test('denies what is unsound whatever else the input holds', async () => {
    await fc.assert(
      fc.asyncProperty(extra, extra, extra, async (input, pod, container) => {
        const unsound = soundInput({ input, pod: { ...pod, hostUsers: true }, container });
        expect(rulesOf(await engine.evaluate({ ...unsound, images: {} }, ORIGIN))).toEqual([
          'image-digest',
          'image-signed',
          'no-privileged',
          'no-root',
        ]);
      }),
      { numRuns: 50 },
    );
  });
});

function isSoundFact(name: string, value: unknown): boolean {
  if (name === 'user') return typeof value === 'string' && /^[1-9][0-9]*(:|$)/.test(value);
  return (
    name === 'signedBy' && Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === 'string' && v)
  );
}
