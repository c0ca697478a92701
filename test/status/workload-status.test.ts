import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { plan } from '../../agent/reconcile/planner.ts';
import type { DesiredWorkload, PlanContext, Wanted } from '../../agent/reconcile/state.ts';
import { workloadStatus } from '../../agent/status/workload-status.ts';
import type { WorkloadStatus } from '../../manifests/index.ts';
import { BackendError } from '../../native/index.ts';
import { sampleFinding } from '../fakes/fake-agent.ts';
import { deployment, pod } from '../reconcile/manifests.ts';
import { createNodeWorld, type NodeWorld } from '../reconcile/node-world.ts';

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
});
afterEach(() => world.remove());

/** The status of the only workload; `wanted` instead of what the world says. */
const statusNow = async (wanted?: Wanted): Promise<WorkloadStatus> => {
  const context: PlanContext = { history: {}, now: world.clock.time, settleMs: 2_000, onViolation: 'report' };
  const [found] = world.desired().workloads;
  if (found === undefined) throw new Error('no workload');
  const workload: DesiredWorkload = wanted === undefined ? found : { ...found, wanted };
  const observed = await world.observe();
  const made =
    wanted === undefined ? await world.plan() : plan({ revision: 'r', workloads: [workload] }, observed, context);
  return workloadStatus(workload, observed.pods, made, context);
};
const verdict = ({ state, reason, message }: WorkloadStatus): readonly string[] => [state, reason, message];
const end = async (exit: { readonly code?: number; readonly signal?: string }): Promise<void> => {
  const [found] = (await world.observe()).pods;
  world.backend.node.finish({ sandboxId: found?.id ?? '', name: 'app' }, exit);
};

describe('a workload', () => {
  test('is on its way until its pods have settled, then ready', async () => {
    await world.commit(deployment({ replicas: 2 }));
    expect(verdict(await statusNow())).toEqual(['Progressing', 'Applying', 'pull-image: not on this node']);
    await world.round();
    expect(verdict(await statusNow())).toEqual(['Progressing', 'Waiting', expect.stringContaining('a little longer')]);
    await world.converge();
    const status = await statusNow();
    expect(verdict(status)).toEqual(['Ready', 'Running', '2 of 2 pods run']);
    expect([status.kind, status.desired, status.ready, status.pods.length]).toEqual(['Deployment', 2, 2, 2]);
    expect(status.pods[0]).toEqual(
      expect.objectContaining({
        state: 'Running',
        containers: [expect.objectContaining({ name: 'app', image: 'reg.test/app:1', state: 'Running', restarts: 0 })],
      }),
    );
  });

  test('that is not judged yet is of its kind all the same', async () => {
    await world.commit(deployment({ replicas: 3 }));
    const status = await statusNow({ state: 'preparing' });
    expect([status.kind, status.desired, status.ready, status.state]).toEqual(['Deployment', 3, 0, 'Progressing']);
  });

  test('whose image cannot be had says why, and what runs on', async () => {
    const failure = { kind: 'transient', code: 'unreachable', reason: 'no registry' } as const;
    await world.commit(deployment());
    expect(verdict(await statusNow({ state: 'unresolved', failure, retryAt: 0 }))).toEqual([
      'Failed',
      'ImageUnavailable',
      'no registry',
    ]);
    await world.converge();
    expect((await statusNow({ state: 'unresolved', failure, retryAt: 0 })).message).toMatch(
      /^no registry; the version of commit \S+ runs on$/,
    );
  });

  test('that is denied says by what, with the findings, and what runs on', async () => {
    await world.commit(deployment());
    await world.converge();
    await world.commit(deployment({ image: 'reg.test/app:2' }));
    const [found] = world.desired().workloads;
    if (found?.wanted.state !== 'judged') throw new Error('not judged');
    world.verdicts.set(found.wanted.version.digest, { decision: 'deny', findings: [sampleFinding] });
    const status = await statusNow();
    expect(verdict(status)).toEqual([
      'Blocked',
      'PolicyDenied',
      expect.stringMatching(/^denied by baseline\/no-root; the version of commit \S+ runs on$/),
    ]);
    expect(status.findings).toEqual([sampleFinding]);
    expect(status.pods[0]?.containers[0]?.image).toBe('reg.test/app:1');
  });

  test('of which a step failed says which', async () => {
    await world.commit(deployment());
    world.backend.failNext('createSandbox', new BackendError('kernel', 'clone', 'no room'));
    await world.round();
    expect(verdict(await statusNow())).toEqual(['Failed', 'StepFailed', 'no room (1 failed attempts)']);
  });

  test('that keeps crashing fails, though it is tried again', async () => {
    await world.commit(deployment());
    await world.converge();
    await end({ code: 1 });
    expect(verdict(await statusNow())).toEqual(['Progressing', 'Applying', 'start-container: it exited with status 1']);
    await world.round();
    await end({ code: 3 });
    expect(verdict(await statusNow())).toEqual([
      'Failed',
      'CrashLoop',
      'container app exited with status 3, 1 restarts',
    ]);
  });
});

describe('a pod that is not started again', () => {
  test.each([
    ['Never', { code: 0 }, ['Ready', 'Running', '1 of 1 pods run'], 'Succeeded'],
    ['OnFailure', { code: 0 }, ['Ready', 'Running', '1 of 1 pods run'], 'Succeeded'],
    [
      'Never',
      { code: 2 },
      ['Failed', 'ContainerFailed', 'container app exited with status 2, and is not restarted by restartPolicy Never'],
      'Failed',
    ],
    [
      'Never',
      { signal: 'SIGSEGV' },
      ['Failed', 'ContainerFailed', 'container app was killed by SIGSEGV, and is not restarted by restartPolicy Never'],
      'Failed',
    ],
  ] as const)('under %s after %j', async (restartPolicy, exit, expected, phase) => {
    await world.commit(pod({ restartPolicy }));
    await world.converge();
    await end(exit);
    const status = await statusNow();
    expect([verdict(status), status.pods[0]?.state]).toEqual([expected, phase]);
  });
});

test.each<[string, () => Promise<void>, string]>([
  ['dead', async () => world.backend.node.killSandbox((await world.observe()).pods[0]?.id ?? ''), 'Failed'],
  [
    'without containers',
    async () => world.backend.node.dropContainer({ sandboxId: (await world.observe()).pods[0]?.id ?? '', name: 'app' }),
    'Pending',
  ],
  ['waiting for a restart', () => end({ code: 1 }), 'Running'],
])('a pod that is %s has the phase of Kubernetes', async (_name, happen, phase) => {
  await world.commit(deployment());
  await world.converge();
  await happen();
  expect((await statusNow()).pods[0]?.state).toBe(phase);
});
