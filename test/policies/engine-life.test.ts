import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { createEvaluationCache } from '../../policies/engine/evaluation-cache.ts';
import type { Evaluation } from '../../policies/engine/evaluator.ts';
import { DEFAULT_BUNDLE_DIR, openPolicyEngine } from '../../policies/index.ts';
import { ORIGIN, soundInput } from './sound-input.ts';

const ALLOW = { decision: 'allow' };

/** Threads of this process that belong to a policy engine, as the kernel tells. */
function policyThreads(): number {
  return readdirSync('/proc/self/task').filter((task) => readName(task) === 'policy').length;
}

function readName(task: string): string {
  try {
    return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

async function waitForThreads(wanted: number): Promise<void> {
  for (let waitedMs = 0; policyThreads() !== wanted; waitedMs += 10) {
    if (waitedMs > 10_000) throw new Error(`there are ${policyThreads()} policy threads, not ${wanted}`);
    await sleep(10);
  }
}

describe('the thread of an engine', () => {
  test('ends when idle, and comes back for an input not seen before', async () => {
    const engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR, idleMs: 50 });
    expect(await engine.evaluate(soundInput(), ORIGIN)).toEqual(ALLOW);
    await waitForThreads(0);

    expect(await engine.evaluate(soundInput(), ORIGIN)).toEqual(ALLOW);
    expect(policyThreads()).toBe(0);

    expect(await engine.evaluate(soundInput({ pod: { hostname: 'new' } }), ORIGIN)).toEqual(ALLOW);
    await waitForThreads(0);
    await engine.close();
  });

  test('is one, however many ask at once', async () => {
    const engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR });
    const inputs = Array.from({ length: 100 }, (_, index) =>
      soundInput({ pod: { hostname: `host-${index}`, hostUsers: index % 2 === 1 } }),
    );
    const verdicts = inputs.map((input) => engine.evaluate(input, ORIGIN));
    await verdicts[0];
    expect(policyThreads()).toBe(1);
    const decisions = (await Promise.all(verdicts)).map(({ decision }) => decision);
    expect(decisions).toEqual(inputs.map(({ pod }) => (pod.hostUsers ? 'deny' : 'allow')));
    await engine.close();
    expect(policyThreads()).toBe(0);
  });

  test('ends with the engine, which answers what waits with a deny', async () => {
    const engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR, idleMs: 1 });
    await waitForThreads(0);
    const waiting = ['a', 'b'].map((hostname) => engine.evaluate(soundInput({ pod: { hostname } }), ORIGIN));
    await engine.close();
    for (const verdict of await Promise.all(waiting))
      expect(verdict).toMatchObject({ decision: 'deny', findings: [{ rule: 'engine-error' }] });
    await waitForThreads(0);
    await expect(engine.evaluate(soundInput(), ORIGIN)).rejects.toMatchObject({ code: 'engine-closed' });
  });
});

test('the place of a finding is that of the origin given now, for a remembered evaluation too', async () => {
  const engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR });
  const input = soundInput({ pod: { hostUsers: true } });
  const moved = { ...ORIGIN, positions: { 'spec.template.spec.hostUsers': { line: 99, column: 1 } } };
  expect(await engine.evaluate(input, ORIGIN)).toMatchObject({ findings: [{ line: 10 }] });
  expect(await engine.evaluate(input, moved)).toMatchObject({ findings: [{ line: 99 }] });
  await engine.close();
});

describe('evaluations', () => {
  const lasting: Evaluation = { outcome: { kind: 'findings', findings: [] }, isRepeatable: true };
  const passing: Evaluation = {
    outcome: { kind: 'failed', rule: 'engine-timeout', reason: 'late' },
    isRepeatable: false,
  };

  /** Asks for these keys one after the other. @returns the keys that were evaluated. */
  async function evaluated(keys: readonly string[], evaluation: Evaluation): Promise<readonly string[]> {
    const cache = createEvaluationCache({ maxEntries: 2 });
    const done: string[] = [];
    for (const key of keys) {
      const given = await cache.get(key, async () => {
        done.push(key);
        return evaluation;
      });
      expect(given).toBe(evaluation);
    }
    return done;
  }

  test('are made once for each input', async () => {
    expect(await evaluated(['a', 'a', 'b', 'a', 'b'], lasting)).toEqual(['a', 'b']);
  });

  test('are forgotten in the order they were last asked for', async () => {
    expect(await evaluated(['a', 'b', 'a', 'c', 'a', 'b'], lasting)).toEqual(['a', 'b', 'c', 'b']);
  });

  test('are made again after a failure that may pass', async () => {
    expect(await evaluated(['a', 'a'], passing)).toEqual(['a', 'a']);
  });

  test('under way are shared', async () => {
    const cache = createEvaluationCache({ maxEntries: 2 });
    let made = 0;
    const slow = async (): Promise<Evaluation> => {
      made += 1;
      await sleep(1);
      return lasting;
    };
    await Promise.all([cache.get('a', slow), cache.get('a', slow), cache.get('a', slow)]);
    expect(made).toBe(1);
  });
});
