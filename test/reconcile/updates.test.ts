import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Plan, Step } from '../../agent/reconcile/plan.ts';
import { plan } from '../../agent/reconcile/planner.ts';
import { provenVersions } from '../../agent/reconcile/promotion.ts';
import type { DesiredState, PlanContext, Wanted } from '../../agent/reconcile/state.ts';
import { BackendError } from '../../native/index.ts';
import type { Verdict } from '../../policies/index.ts';
import { deployment, documents, pod } from './manifests.ts';
import { createNodeWorld, type NodeWorld } from './node-world.ts';

const DENIED: Verdict = { decision: 'deny', findings: [] };
const BUSY = new BackendError('kernel', 'clone', 'no room just now');

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
});
afterEach(() => world.remove());

const kinds = (steps: readonly Step[]): readonly string[] => steps.map((step) => step.kind);

const identity = (): string => {
  const wanted = world.desired().workloads[0]?.wanted;
  if (wanted?.state !== 'judged') throw new Error('not judged');
  return wanted.version.identity;
};

const podsOf = async (wanted: string): Promise<readonly { readonly id: string; readonly replica: number }[]> =>
  (await world.observe()).pods.filter((found) => found.identity === wanted);

const context = (): PlanContext => ({ history: {}, now: world.clock.time, settleMs: 2_000, onViolation: 'report' });

/** Plans with another answer to what is wanted, everything else as it is. */
const planWanting = async (wanted: Wanted): Promise<Plan> => {
  const desired: DesiredState = {
    ...world.desired(),
    workloads: world.desired().workloads.map((workload) => ({ ...workload, wanted })),
  };
  return plan(desired, await world.observe(), context());
};

/** One of three pods is of the new version and serves, two are old. */
async function startRolling(): Promise<{ readonly old: string; readonly next: string }> {
  await world.commit(deployment({ replicas: 3 }));
  await world.converge();
  const old = identity();
  await world.commit(deployment({ replicas: 3, image: 'reg.test/app:2' }));
  await world.round();
  world.clock.time += 2_001;
  await world.round();
  expect([(await podsOf(identity())).length, (await podsOf(old)).length]).toEqual([1, 2]);
  return { old, next: identity() };
}

describe('an update that is held up goes on later where it was', () => {
  test('when a step of it fails', async () => {
    const { old, next } = await startRolling();
    world.backend.failNext('startContainer', BUSY);
    await world.round();
    expect(kinds((await world.plan()).steps)).toEqual([]);
    await world.converge();
    expect([(await podsOf(next)).length, (await podsOf(old)).length]).toEqual([3, 0]);
    expect(world.backend.performed.filter((operation) => operation.startsWith('createSandbox'))).toHaveLength(6);
  });

  test.each<Wanted>([
    { state: 'preparing' },
    { state: 'unresolved', failure: { kind: 'transient', code: 'unreachable', reason: 'no registry' }, retryAt: 0 },
  ])('while the next commit is $state', async (wanted) => {
    await startRolling();
    expect((await planWanting(wanted)).steps).toEqual([]);
  });

  test('and pods of the last good version stand in for those that ended meanwhile', async () => {
    const { next } = await startRolling();
    const [fresh] = await podsOf(next);
    world.backend.node.killContainer({ sandboxId: fresh?.id ?? '', name: 'app' });
    expect(kinds((await planWanting({ state: 'preparing' })).steps)).toEqual(['create-pod', 'start-container']);
  });
});

test('an old pod that does not run makes room for the new one when there is no surge', async () => {
  await world.commit(deployment({ maxSurge: 0 }));
  await world.converge();
  const [old] = await podsOf(identity());
  for (let crash = 0; crash < 2; crash++) {
    world.backend.node.finish({ sandboxId: old?.id ?? '', name: 'app' }, { code: 1 });
    if (crash === 0) await world.round();
  }
  expect((await world.plan()).waiting[0]?.reason).toContain('restarting with back-off');
  await world.commit(deployment({ maxSurge: 0, image: 'reg.test/app:2' }));
  await world.round();
  await world.round();
  expect(await podsOf(identity())).toHaveLength(1);
});

test('a last good pod that cannot be started is not tried at every look', async () => {
  await world.commit(deployment({ replicas: 2 }));
  await world.converge();
  const [old] = await podsOf(identity());
  world.backend.node.dropContainer({ sandboxId: old?.id ?? '', name: 'app' });
  world.backend.failNext('startContainer', new BackendError('exec-failed', 'execve', '/bin/app'));
  await world.round();
  await world.commit(deployment({ replicas: 2, image: 'reg.test/app:2' }));
  const { steps } = await world.plan();
  expect(steps.filter((step) => 'pod' in step && step.pod === old?.id)).toEqual([]);
});

describe('a removal that fails', () => {
  test('keeps a recreated workload from running old and new beside each other', async () => {
    await world.commit(deployment({ strategy: 'Recreate' }));
    await world.converge();
    await world.commit(deployment({ strategy: 'Recreate', image: 'reg.test/app:2' }));
    world.backend.failNext('removeSandbox', BUSY);
    await world.round();
    expect(await podsOf(identity())).toEqual([]);
    expect((await world.plan()).steps).toEqual([]);
    await world.converge();
    expect(await podsOf(identity())).toHaveLength(1);
  });

  test('of a dead sandbox is not tried at every look', async () => {
    await world.commit(deployment());
    await world.converge();
    const [dead] = await podsOf(identity());
    world.backend.node.killSandbox(dead?.id ?? '');
    world.backend.failNext('removeSandbox', BUSY);
    await world.round();
    const next = await world.plan();
    expect(next.steps).toEqual([]);
    expect(next.waiting[0]?.reason).toContain('removal failed');
    await world.converge();
    expect(await podsOf(identity())).toHaveLength(1);
  });
});

test('a recreated workload whose new version cannot start gets its last good one back, alone', async () => {
  await world.commit(deployment({ strategy: 'Recreate' }));
  await world.converge();
  const good = identity();
  await world.commit(deployment({ strategy: 'Recreate', image: 'reg.test/app:2' }));
  world.backend.failNext('startContainer', new BackendError('exec-failed', 'execve', '/bin/app'));
  await world.round();
  expect(await podsOf(good)).toEqual([]);
  await world.round();
  expect([(await podsOf(good)).length, (await podsOf(identity())).length]).toEqual([1, 0]);
});

test('a time for resolving images that has passed is not waited for: it is being tried', async () => {
  await world.commit(deployment());
  const failure = { kind: 'transient', code: 'unreachable', reason: 'no registry' } as const;
  const past = await planWanting({ state: 'unresolved', failure, retryAt: world.clock.time });
  const coming = await planWanting({ state: 'unresolved', failure, retryAt: world.clock.time + 5 });
  expect([past.waiting[0]?.until, coming.waiting[0]?.until]).toEqual([null, world.clock.time + 5]);
});

test('a pod that Git has forgotten gets the grace period it was made with', async () => {
  await world.commit(documents(deployment({ grace: 300 }), pod()));
  await world.converge();
  await world.commit(pod());
  expect((await world.plan()).steps).toContainEqual(expect.objectContaining({ kind: 'stop-pod', graceMs: 300_000 }));
});

test('a version is started with its own limits, though a denied one shares its identity', async () => {
  await world.commit(deployment({ memory: '64Mi' }));
  await world.converge();
  await world.commit(deployment({ memory: '1Gi' }));
  const wanted = world.desired().workloads[0]?.wanted;
  if (wanted?.state !== 'judged') throw new Error('not judged');
  world.verdicts.set(wanted.version.digest, DENIED);
  const [running] = await podsOf(identity());
  const ref = { sandboxId: running?.id ?? '', name: 'app' };
  world.backend.node.killContainer(ref);
  await world.round();
  const restarted = world.backend.node.container(ref);
  expect([restarted?.exit, restarted?.applied.memoryBytes]).toEqual([null, 64 * 1024 * 1024]);
});

describe('a version has proven itself', () => {
  const proven = async (): Promise<number> => provenVersions(world.desired(), await world.observe(), context()).length;

  test('only by the pods it wants: those it is about to lose do not count', async () => {
    await world.commit(deployment({ replicas: 3 }));
    await world.converge();
    const first = (await podsOf(identity())).find(({ replica }) => replica === 0);
    await world.commit(deployment({ replicas: 2 }));
    world.backend.node.finish({ sandboxId: first?.id ?? '', name: 'app' }, { code: 1 });
    expect(await proven()).toBe(0);
  });

  test.each([
    [0, 1],
    [1, 0],
  ])('when a pod that is never restarted has ended with status %i: %i versions', async (code, versions) => {
    await world.commit(pod({ restartPolicy: 'Never' }));
    await world.round();
    const [ended] = await podsOf(identity());
    world.backend.node.finish({ sandboxId: ended?.id ?? '', name: 'app' }, { code });
    expect(await proven()).toBe(versions);
  });
});
