import { setImmediate as soon } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { StepOutcome } from '../../agent/execute/run-steps.ts';
import { createWorkFloor, type WorkFloor } from '../../agent/loop/work-floor.ts';
import { attemptKey } from '../../agent/reconcile/failure.ts';
import type { Step } from '../../agent/reconcile/plan.ts';
import { BackendError } from '../../native/index.ts';

const NOW = 1_000_000;

let floor: WorkFloor;
let begun: string[];
let outcomes: StepOutcome[][];
let changes: number;
let held: Map<string, PromiseWithResolvers<void>>;

beforeEach(() => {
  [begun, outcomes, changes, held] = [[], [], 0, new Map()];
  floor = createWorkFloor({
    execute: (step) => {
      const name = `${step.kind} ${step.workload}`;
      begun.push(name);
      return held.get(name)?.promise ?? Promise.resolve();
    },
    now: () => NOW,
    onOutcomes: (done) => outcomes.push([...done]),
    onChange: () => {
      changes += 1;
    },
  });
});

const hold = (name: string): PromiseWithResolvers<void> => {
  const resolvers = Promise.withResolvers<void>();
  held.set(name, resolvers);
  return resolvers;
};
const start = (workload: string, identity = 'v1'): Step => ({
  ...{ kind: 'start-container', workload, pod: 'p', identity, container: 'app', restarts: 0, crashes: 0, reason: '' },
});
const pull = (workload: string, identity = 'v1'): Step => ({
  ...{ kind: 'pull-image', workload, reference: 'r', digest: 'd', identity, reason: '' },
});
const stop = (workload: string): Step => ({ kind: 'stop-pod', workload, pod: 'p', graceMs: 0, reason: '' });
const remove = (workload: string): Step => ({ kind: 'remove-pod', workload, pod: 'p', reason: '' });

describe('steps', () => {
  test('of one workload run in order, those of others beside them', async () => {
    const slow = hold('stop-pod a');
    const done = floor.start([stop('a'), remove('a'), stop('b'), remove('b')]);
    await soon();
    expect(begun).toEqual(['stop-pod a', 'stop-pod b', 'remove-pod b']);
    expect([...floor.busy()]).toEqual(['a']);
    slow.resolve();
    await done;
    expect(begun.at(-1)).toBe('remove-pod a');
    expect([floor.busy().size, changes]).toEqual([0, 2]);
  });

  test('of a workload that is worked on are not ready, those of others are', async () => {
    const slow = hold('stop-pod a');
    const done = floor.start([stop('a')]);
    expect(floor.ready([start('a'), start('b')])).toEqual([start('b')]);
    slow.resolve();
    await done;
    expect(floor.ready([start('a')])).toEqual([start('a')]);
  });

  test('of a version whose images are to come wait for them, as does every removal; another version is kept up', () => {
    const plan = [pull('a', 'v2'), stop('a'), start('a', 'v2'), start('a', 'v1'), start('b', 'v2')];
    expect(floor.ready(plan)).toEqual([pull('a', 'v2'), start('a', 'v1'), start('b', 'v2')]);
  });

  test('go on while an image is fetched, which is fetched once', async () => {
    const slow = hold('pull-image a');
    const pulling = floor.start([pull('a', 'v2')]);
    expect(floor.busy().size).toBe(0);
    expect(floor.ready([pull('a', 'v2'), start('a', 'v2'), start('a', 'v1')])).toEqual([start('a', 'v1')]);
    await floor.start([start('a', 'v1')]);
    slow.resolve();
    await pulling;
    expect(begun).toEqual(['pull-image a', 'start-container a']);
  });

  test('after one that failed are skipped, and all of it is told together', async () => {
    hold('stop-pod a').reject(new BackendError('kernel', 'kill', 'busy'));
    await floor.start([stop('a'), remove('a')]);
    expect(outcomes).toEqual([
      [
        { outcome: 'failed', step: stop('a'), failure: { kind: 'transient', code: 'kernel', reason: 'busy' } },
        { outcome: 'skipped', step: remove('a'), reason: 'stop-pod failed before it' },
      ],
    ]);
    expect(begun).toEqual(['stop-pod a']);
  });

  test('that throw what is no error are failures like others', async () => {
    hold('stop-pod a').reject(null);
    await floor.start([stop('a')]);
    expect(outcomes[0]?.[0]).toEqual(expect.objectContaining({ outcome: 'failed' }));
    expect(floor.busy().size).toBe(0);
  });

  test('under way are waited for by `idle`, pulls too', async () => {
    const slow = hold('pull-image a');
    void floor.start([pull('a')]);
    let isIdle = false;
    const idle = floor.idle().then(() => {
      isIdle = true;
    });
    await soon();
    expect(isIdle).toBe(false);
    slow.resolve();
    await idle;
  });
});

describe('failures are remembered', () => {
  const fail = async (step: Step): Promise<void> => {
    hold(`${step.kind} ${step.workload}`).reject(new BackendError('kernel', 'x', 'busy'));
    await floor.start([step]);
    held.clear();
  };

  test('by version, longer each time, until everything done for it works', async () => {
    const key = attemptKey('a', 'v1');
    await fail(start('a'));
    expect(floor.history()[key]).toEqual(expect.objectContaining({ failures: 1, retryAt: NOW + 1_000 }));
    await fail(start('a'));
    expect(floor.history()[key]).toEqual(expect.objectContaining({ failures: 2, retryAt: NOW + 2_000 }));
    await floor.start([start('a', 'v2')]);
    expect(Object.keys(floor.history())).toEqual([key]);
    await floor.start([start('a')]);
    expect(floor.history()).toEqual({});
  });

  test('apart for removals, which belong to no version', async () => {
    await fail(stop('a'));
    await floor.start([start('a')]);
    expect(Object.keys(floor.history())).toEqual([attemptKey('a', 'cleanup')]);
  });

  test('also when other steps of the same version worked', async () => {
    hold('start-container a').reject(new BackendError('kernel', 'x', 'busy'));
    await floor.start([
      {
        kind: 'create-pod',
        networks: 'none',
        guards: [],
        workload: 'a',
        pod: 'p',
        identity: 'v1',
        replica: 0,
        reason: '',
      },
      start('a'),
    ]);
    expect(Object.keys(floor.history())).toEqual([attemptKey('a', 'v1')]);
  });

  test('for the newest thousand only', async () => {
    for (let version = 0; version <= 1_000; version++) await fail(start('a', `v${version}`));
    const keys = Object.keys(floor.history());
    expect([keys.length, keys[0]]).toEqual([1_000, attemptKey('a', 'v1')]);
  });
});
