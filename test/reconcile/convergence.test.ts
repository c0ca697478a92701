import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Step } from '../../agent/reconcile/plan.ts';
import { isConverged } from '../../agent/reconcile/plan.ts';
import { createFakeBackend } from '../fakes/fake-backend.ts';
import { deployment, documents, pod } from './manifests.ts';
import { createNodeWorld, type NodeWorld } from './node-world.ts';

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
});
afterEach(() => world.remove());

const FLEETS: Readonly<Record<string, string>> = {
  'a deployment': deployment(),
  'several replicas': deployment({ replicas: 3 }),
  'no replicas': deployment({ replicas: 0 }),
  'a pod of three containers': pod({ containers: ['app', 'proxy', 'logs'] }),
  'a recreated deployment': deployment({ replicas: 2, strategy: 'Recreate' }),
  'many workloads': documents(deployment(), pod(), deployment({ name: 'api', replicas: 2 }), pod({ name: 'cache' })),
};

describe.each(Object.entries(FLEETS))('%s', (_name, yaml) => {
  test('converges to an empty plan', async () => {
    await world.commit(yaml);
    await world.converge();
    const plan = await world.plan();
    expect(isConverged(plan)).toBe(true);
    expect(plan.unchanged).toHaveLength(world.desired().workloads.length);
  });

  test('converges whatever operation the agent dies after', async () => {
    await world.commit(yaml);
    await world.converge();
    const operations = world.backend.performed.length;
    for (let survived = 0; survived <= operations; survived++) {
      const other = await createNodeWorld();
      await other.commit(yaml);
      other.backend.crashAfter(survived);
      await other.converge().catch(() => undefined);
      other.backend = createFakeBackend({ clock: { now: () => other.clock.time }, node: other.backend.node });
      other.clock.time += 600_000;
      await other.converge();
      expect((await other.plan()).steps).toEqual([]);
      await other.remove();
    }
  });

  test('is removed completely when it leaves Git', async () => {
    await world.commit(documents(yaml, pod({ name: 'stays' })));
    await world.converge();
    await world.commit(pod({ name: 'stays' }));
    await world.converge();
    expect((await world.observe()).pods.map((observed) => observed.key)).toEqual(['default/stays']);
  });
});

describe('a plan', () => {
  test('is the same for the same inputs, whatever their order', async () => {
    await world.commit(documents(deployment({ replicas: 2 }), pod(), pod({ name: 'cache' })));
    await world.round();
    await world.commit(documents(deployment({ image: 'reg.test/app:2', replicas: 3 }), pod({ name: 'cache' })));
    const { plan } = await import('../../agent/reconcile/planner.ts');
    const desired = world.desired();
    const observed = await world.observe();
    const context = { history: {}, now: world.clock.time, settleMs: 2_000, onViolation: 'report' } as const;
    const reversed = { ...desired, workloads: desired.workloads.toReversed() };
    expect(plan(reversed, { ...observed, pods: observed.pods.toReversed() }, context)).toEqual(
      plan(desired, observed, context),
    );
    expect(plan(desired, observed, context)).toEqual(plan(desired, observed, context));
  });

  test('is plain JSON', async () => {
    await world.commit(deployment());
    const plan = await world.plan();
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test('pulls, creates and starts in this order', async () => {
    await world.commit(deployment());
    expect(kinds((await world.plan()).steps)).toEqual(['pull-image', 'create-pod', 'start-container']);
  });
});

describe('a change in Git', () => {
  test('of the limits is made in place, without a restart', async () => {
    await world.commit(deployment());
    await world.converge();
    await world.commit(deployment({ memory: '128Mi' }));
    const plan = await world.plan();
    expect(kinds(plan.steps)).toEqual(['update-limits']);
    await world.converge();
    expect(starts(world)).toBe(1);
  });

  test.each([
    { limits: 'hugepages-2Mi: 4Mi' },
    { limits: 'holdfast.dev/swap: 1Mi' },
    { limits: 'holdfast.dev/memory-high: 32Mi' },
    { annotations: 'cpus.holdfast.dev/app: 0-1' },
    { annotations: 'io.holdfast.dev/app: /dev/fake rbps=1M' },
  ])('of the limits is made in place and taken back in place: %j', async (change) => {
    await world.commit(deployment());
    await world.converge();
    for (const options of [change, {}]) {
      await world.commit(deployment(options));
      expect(kinds((await world.plan()).steps)).toEqual(['update-limits']);
      await world.converge();
      expect(kinds((await world.plan()).steps)).toEqual([]);
    }
    expect(starts(world)).toBe(1);
  });

  test('of the grace period touches nothing that runs', async () => {
    await world.commit(deployment());
    await world.converge();
    await world.commit(deployment({ grace: 5 }));
    expect((await world.plan()).steps).toEqual([]);
  });

  test('of the image starts the new pod first and stops the old one once the new one has settled', async () => {
    await world.commit(deployment());
    await world.converge();
    await world.commit(deployment({ image: 'reg.test/app:2' }));
    const first = await world.round();
    expect(kinds(first.steps)).toEqual(['pull-image', 'create-pod', 'start-container']);
    expect((await world.observe()).pods).toHaveLength(2);
    expect((await world.plan()).steps).toEqual([]);
    world.clock.time += 2_001;
    expect(kinds((await world.plan()).steps)).toEqual(['stop-pod', 'remove-pod']);
    await world.converge();
    expect((await world.observe()).pods).toHaveLength(1);
  });

  test('never leaves fewer pods serving than wanted while it rolls', async () => {
    await world.commit(deployment({ replicas: 4 }));
    await world.converge();
    await world.commit(deployment({ replicas: 4, image: 'reg.test/app:2' }));
    for (let round = 0; round < 20; round++) {
      await world.round();
      const running = (await world.observe()).pods.filter((pod) =>
        pod.containers.some(({ state }) => state === 'running'),
      );
      expect(running.length).toBeGreaterThanOrEqual(3);
      expect(running.length).toBeLessThanOrEqual(5);
      world.clock.time += 1_000;
    }
    expect((await world.observe()).pods).toHaveLength(4);
  });

  test('of one workload leaves the others alone', async () => {
    await world.commit(documents(deployment(), pod()));
    await world.converge();
    await world.commit(documents(deployment({ image: 'reg.test/app:2' }), pod()));
    expect(new Set((await world.plan()).steps.map((step) => step.workload))).toEqual(new Set(['default/web']));
  });

  test('of the replica count only adds or removes the difference', async () => {
    await world.commit(deployment({ replicas: 2 }));
    await world.converge();
    await world.commit(deployment({ replicas: 3 }));
    expect(kinds((await world.plan()).steps)).toEqual(['create-pod', 'start-container']);
    await world.converge();
    await world.commit(deployment({ replicas: 1 }));
    expect(kinds((await world.plan()).steps)).toEqual(['stop-pod', 'remove-pod', 'stop-pod', 'remove-pod']);
  });
});

function kinds(steps: readonly Step[]): readonly string[] {
  return steps.map((step) => step.kind);
}

function starts({ backend }: NodeWorld): number {
  return backend.performed.filter((operation) => operation.startsWith('startContainer')).length;
}
