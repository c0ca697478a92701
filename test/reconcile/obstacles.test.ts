import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BackendError } from '../../native/index.ts';
import type { Verdict } from '../../policies/index.ts';
import { deployment, documents, pod } from './manifests.ts';
import { createNodeWorld, type NodeWorld } from './node-world.ts';

const DENIED: Verdict = {
  decision: 'deny',
  findings: [
    {
      policy: 'baseline',
      rule: 'no-root',
      severity: 'deny',
      message: 'no',
      path: 'spec',
      file: 'a.yaml',
      line: 3,
      column: 1,
    },
  ],
};

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
});
afterEach(() => world.remove());

const runningIdentities = async (): Promise<readonly string[]> =>
  (await world.observe()).pods
    .filter((pod) => pod.containers.some((container) => container.state === 'running'))
    .map((pod) => pod.identity);

const identityOf = (key: string): string => {
  const wanted = world.desired().workloads.find((workload) => workload.key === key)?.wanted;
  if (wanted?.state !== 'judged') throw new Error(`${key} was not judged`);
  return wanted.version.identity;
};

describe('a denied version', () => {
  test('never starts, and the plan says which rule and line', async () => {
    await world.commit(deployment());
    world.verdicts.set('default/web', DENIED);
    await world.converge();
    const { blocked } = await world.plan();
    expect(await runningIdentities()).toEqual([]);
    expect(blocked).toEqual([
      expect.objectContaining({
        workload: 'default/web',
        cause: 'policy',
        reason: 'denied by baseline/no-root',
        findings: DENIED.findings,
      }),
    ]);
  });

  test('leaves the last good one running, and that one is kept up', async () => {
    await world.commit(deployment());
    await world.converge();
    const good = identityOf('default/web');
    await world.commit(deployment({ image: 'reg.test/app:bad' }));
    world.verdicts.set(`default/web@${identityOf('default/web')}`, DENIED);
    await world.converge();
    expect(await runningIdentities()).toEqual([good]);
    const [container] = (await world.observe()).pods.flatMap((observed) =>
      observed.containers.map(({ name }) => ({ sandboxId: observed.id, name })),
    );
    if (container === undefined) throw new Error('nothing runs');
    world.backend.node.killContainer(container);
    await world.converge();
    expect(await runningIdentities()).toEqual([good]);
  });

  test('leaves the last good one running when only its limits were removed', async () => {
    await world.commit(deployment());
    await world.converge();
    await world.commit(deployment({ memory: '1Gi' }));
    world.verdicts.set('default/web', DENIED);
    world.verdicts.set(`default/web@${identityOf('default/web')}`, DENIED);
    expect((await world.plan()).steps).toEqual([]);
  });
});

describe('a running version that the policies of today deny', () => {
  beforeEach(async () => {
    await world.commit(deployment());
    await world.converge();
    world.verdicts.set(`default/web@${identityOf('default/web')}`, DENIED);
  });

  test('runs on under `report`, is told, and is never started again', async () => {
    expect((await world.plan()).blocked).toHaveLength(1);
    await world.converge();
    expect(await runningIdentities()).toHaveLength(1);
    const [observed] = (await world.observe()).pods;
    world.backend.node.killContainer({ sandboxId: observed?.id ?? '', name: 'app' });
    await world.converge();
    expect(await runningIdentities()).toEqual([]);
  });

  test('is stopped and removed under `stop`', async () => {
    world.onViolation = 'stop';
    expect((await world.plan()).steps.map((step) => step.kind)).toEqual(['stop-pod', 'remove-pod']);
    await world.converge();
    expect((await world.observe()).pods).toEqual([]);
  });
});

describe('a failing step', () => {
  test('is tried again with back-off, and the old version runs on meanwhile', async () => {
    await world.commit(deployment());
    await world.converge();
    const good = identityOf('default/web');
    await world.commit(deployment({ image: 'reg.test/app:2' }));
    world.images.breakDown('reg.test/app:2', 'digest-mismatch');
    await world.round();
    const { blocked, waiting, steps } = await world.plan();
    expect(steps).toEqual([]);
    expect(blocked).toEqual([
      expect.objectContaining({ cause: 'step', failure: expect.objectContaining({ code: 'digest-mismatch' }) }),
    ]);
    expect(waiting[0]?.until).toBeGreaterThan(world.clock.time);
    expect(await runningIdentities()).toEqual([good]);
    world.images.repair('reg.test/app:2');
    world.clock.time = waiting[0]?.until ?? 0;
    await world.converge();
    expect(await runningIdentities()).toEqual([identityOf('default/web')]);
  });

  test('of one workload holds up no other', async () => {
    await world.commit(documents(deployment({ image: 'reg.test/broken:1' }), pod()));
    world.images.breakDown('reg.test/broken:1', 'not-found');
    await world.round();
    await world.round();
    expect((await world.plan()).unchanged).not.toContain('default/web');
    expect((await world.observe()).pods.map((observed) => observed.key)).toContain('default/job');
  });

  test('of a removal is tried again and forgets nothing', async () => {
    await world.commit(documents(deployment(), pod()));
    await world.converge();
    await world.commit(pod());
    world.backend.failNext('removeSandbox', new BackendError('kernel', 'rmdir', 'busy'));
    await world.round();
    expect((await world.plan()).waiting[0]?.reason).toContain('removal failed: busy');
    await world.converge();
    expect((await world.observe()).pods.map((observed) => observed.key)).toEqual(['default/job']);
  });
});

describe('a new version that keeps crashing', () => {
  test('never replaces the one that runs', async () => {
    await world.remove();
    let bad = '';
    world = await createNodeWorld((spec) => (spec.labels['holdfast.dev/image'] === bad ? { ends: { code: 1 } } : {}));
    await world.commit(deployment());
    await world.converge();
    const good = identityOf('default/web');
    bad = (await world.images.resolve('reg.test/app:bad')).facts.digest;
    await world.commit(deployment({ image: 'reg.test/app:bad' }));
    for (let round = 0; round < 20; round++) {
      await world.round();
      world.clock.time += 30_000;
      expect(await runningIdentities()).toContain(good);
    }
  });
});

describe('a finished container', () => {
  const finish = async (code: number): Promise<void> => {
    const [observed] = (await world.observe()).pods;
    world.backend.node.finish({ sandboxId: observed?.id ?? '', name: 'app' }, { code });
  };

  test.each([
    ['Never', 0, 0],
    ['Never', 1, 0],
    ['OnFailure', 0, 0],
    ['OnFailure', 1, 1],
    ['Always', 0, 1],
  ] as const)(
    'with restartPolicy %s and status %i is started again %i times',
    async (restartPolicy, code, restarts) => {
      await world.commit(pod({ restartPolicy }));
      await world.converge();
      await finish(code);
      await world.converge();
      const [observed] = (await world.observe()).pods;
      expect(observed?.containers[0]?.restarts ?? 0).toBe(restarts);
    },
  );

  test('is started again at once, then after 10 s, 20 s and so on up to 5 min', async () => {
    await world.commit(pod());
    await world.converge();
    const delays: number[] = [];
    for (let crash = 0; crash < 8; crash++) {
      await finish(1);
      const [wait] = (await world.plan()).waiting;
      delays.push(wait?.until == null ? 0 : wait.until - world.clock.time);
      world.clock.time = wait?.until ?? world.clock.time;
      await world.round();
    }
    expect(delays).toEqual([0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  });

  test('that ran for ten minutes starts the series over', async () => {
    await world.commit(pod());
    await world.converge();
    for (const ranMs of [0, 0, 600_000]) {
      world.clock.time += ranMs;
      await finish(1);
      await world.converge();
    }
    await finish(1);
    expect((await world.plan()).waiting[0]?.until).toBe(world.clock.time + 10_000);
  });
});
