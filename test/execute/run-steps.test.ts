import { describe, expect, test } from '@jest/globals';
import { runSteps } from '../../agent/execute/run-steps.ts';
import { toFailure } from '../../agent/execute/to-failure.ts';
import { ImageError } from '../../agent/images/image-source.ts';
import type { Step } from '../../agent/reconcile/plan.ts';
import { BackendError } from '../../native/index.ts';

const step = (pod: string): Step => ({ kind: 'remove-pod', workload: 'default/web', pod, reason: '' });

describe('steps', () => {
  test('run in order, each after the one before is over', async () => {
    const log: string[] = [];
    const outcomes = await runSteps([step('a'), step('b')], async ({ kind, ...rest }) => {
      log.push(`${kind} ${'pod' in rest ? rest.pod : ''}`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push('over');
    });
    expect(log).toEqual(['remove-pod a', 'over', 'remove-pod b', 'over']);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['done', 'done']);
  });

  test('end at the first that fails; the rest is skipped and says why', async () => {
    const ran: Step[] = [];
    const outcomes = await runSteps([step('a'), step('b'), step('c')], async (next) => {
      ran.push(next);
      if (ran.length === 2) throw new BackendError('kernel', 'rmdir', 'busy');
    });
    expect(ran).toEqual([step('a'), step('b')]);
    expect(outcomes).toEqual([
      { outcome: 'done', step: step('a') },
      { outcome: 'failed', step: step('b'), failure: { kind: 'transient', code: 'kernel', reason: 'busy' } },
      { outcome: 'skipped', step: step('c'), reason: 'remove-pod failed before it' },
    ]);
  });

  test('that are none have no outcome', async () => {
    expect(await runSteps([], () => Promise.reject(new Error('never called')))).toEqual([]);
  });
});

describe('a failure', () => {
  test.each([
    [new BackendError('exec-failed', 'execve', 'no such file'), 'stalled', 'exec-failed', 'no such file'],
    [new BackendError('no-resources', 'clone', 'too many'), 'transient', 'no-resources', 'too many'],
    [new ImageError('digest-mismatch', 'r', 'changed on the way'), 'stalled', 'digest-mismatch', 'changed on the way'],
    [new ImageError('unreachable', 'r', 'no route'), 'transient', 'unreachable', 'no route'],
  ])('of a known code says whether it may pass: %s', (error, kind, code, reason) => {
    expect(toFailure(error)).toEqual({ kind, code, reason });
  });

  test.each<[unknown, string]>([
    [Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' }), 'ENOSPC: full'],
    [new TypeError('x is not a function'), 'x is not a function'],
    [Object.assign(new Error('odd'), { code: 'toString' }), 'odd'],
    [new Error(''), 'Error'],
    ['a text', 'a text'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('of anything else is a defect that is tried again: %p', (error, reason) => {
    expect(toFailure(error)).toEqual({ kind: 'transient', code: 'internal', reason });
  });
});
