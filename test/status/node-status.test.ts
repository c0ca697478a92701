import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Drift } from '../../agent/drift/compare.ts';
import { nodeStatus, type StatusInput } from '../../agent/status/node-status.ts';
import type { Condition, ConditionType, NodeStatus } from '../../manifests/index.ts';
import type { Verdict } from '../../policies/index.ts';
import { sampleFinding } from '../fakes/fake-agent.ts';
import { deployment, documents, pod } from '../reconcile/manifests.ts';
import { createNodeWorld, type NodeWorld } from '../reconcile/node-world.ts';

const DENIED: Verdict = { decision: 'deny', findings: [sampleFinding] };
const DRIFT: Drift = { workload: 'default/web', pod: 'p', field: 'pod', desired: 'a', observed: 'b', action: 'healed' };

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
});
afterEach(() => world.remove());

interface Changes {
  readonly sync?: Partial<StatusInput['sync']>;
  readonly drift?: readonly Drift[];
  readonly failure?: string;
}

/** What the agent would say now. */
const statusNow = async (changes: Changes = {}, before: NodeStatus | null = null): Promise<NodeStatus> => {
  const desired = world.desired();
  const revision = { commit: desired.revision, signer: 's', committedAt: 1 };
  return nodeStatus(
    {
      node: 'node-1',
      version: '1.2.3',
      sync: { revision, refused: null, hasPolled: true, unreachable: null, ...changes.sync },
      snapshot: { desired, observed: await world.observe(), plan: await world.plan(), drift: changes.drift ?? [] },
      failure: changes.failure ?? null,
      context: { now: world.clock.time, settleMs: 2_000 },
    },
    before,
  );
};
const conditionOf = (status: NodeStatus, type: ConditionType): Pick<Condition, 'status' | 'reason' | 'message'> => {
  const found = status.conditions.find((condition) => condition.type === type);
  if (found === undefined) throw new Error(`no condition ${type}`);
  return { status: found.status, reason: found.reason, message: found.message };
};
const verdicts = (status: NodeStatus): Readonly<Record<string, string>> =>
  Object.fromEntries(status.conditions.map(({ type, status: value }) => [type, value]));

const GOOD = {
  Degraded: 'False',
  PolicyCompliant: 'True',
  Ready: 'True',
  SourceReachable: 'True',
  Stalled: 'False',
  Synced: 'True',
};

describe('a node', () => {
  beforeEach(async () => {
    await world.commit(documents(deployment({ replicas: 2 }), pod()));
    await world.converge();
  });

  test('that runs what Git says has every good condition, sorted', async () => {
    const status = await statusNow();
    expect(verdicts(status)).toEqual(GOOD);
    expect(Object.keys(verdicts(status))).toEqual(Object.keys(GOOD));
    expect(status.workloads.map(({ key }) => key)).toEqual(['default/job', 'default/web']);
    expect(status).toEqual(expect.objectContaining({ node: 'node-1', version: '1.2.3', refused: null }));
  });

  test.each<[string, Changes, Readonly<Record<string, string>>]>([
    ['drifted', { drift: [DRIFT] }, { Synced: 'False' }],
    ['cannot look', { failure: 'no room' }, { Degraded: 'True' }],
    [
      'cannot reach its source',
      { sync: { unreachable: { code: 'unreachable', message: 'no route' } } },
      { SourceReachable: 'False' },
    ],
    ['has not asked its source yet', { sync: { hasPolled: false } }, { SourceReachable: 'Unknown' }],
    [
      'refused a commit',
      { sync: { refused: { commit: 'b'.repeat(40), code: 'unsigned', message: 'no signature', problems: [] } } },
      { Synced: 'False', Stalled: 'True' },
    ],
    [
      'has a newer revision than it looked at',
      { sync: { revision: { commit: 'newer', signer: 's', committedAt: 2 } } },
      { Synced: 'False' },
    ],
  ])('that %s says so, and nothing else', async (_name, changes, bad) => {
    expect(verdicts(await statusNow(changes))).toEqual({ ...GOOD, ...bad });
  });

  test('that still runs what Git has forgotten is ready, and not synced', async () => {
    await world.commit(pod());
    expect(verdicts(await statusNow())).toEqual({ ...GOOD, Synced: 'False' });
    await world.converge();
    expect(verdicts(await statusNow())).toEqual(GOOD);
  });

  test('that denies a workload names it', async () => {
    await world.commit(documents(deployment({ image: 'reg.test/app:2' }), pod()));
    world.verdicts.set('default/web', DENIED);
    const status = await statusNow();
    expect(verdicts(status)).toEqual({
      ...GOOD,
      PolicyCompliant: 'False',
      Ready: 'False',
      Stalled: 'True',
      Synced: 'False',
    });
    expect(conditionOf(status, 'PolicyCompliant').message).toBe('denied: default/web');
    expect(conditionOf(status, 'Stalled').message).toBe('stuck: default/web');
  });

  test('says when each condition last changed its status, not when its words changed', async () => {
    const first = await statusNow();
    world.clock.time += 1_000;
    const second = await statusNow({ drift: [DRIFT] }, first);
    world.clock.time += 1_000;
    const third = await statusNow({ drift: [DRIFT, DRIFT] }, second);
    const timeOf = (status: NodeStatus, type: ConditionType): string | undefined =>
      status.conditions.find((condition) => condition.type === type)?.lastTransitionTime;
    expect(timeOf(third, 'Ready')).toBe(timeOf(first, 'Ready'));
    expect(timeOf(third, 'Synced')).toBe(timeOf(second, 'Synced'));
    expect(timeOf(second, 'Synced')).toBe(new Date(world.clock.time - 1_000).toISOString());
    expect(conditionOf(third, 'Synced').message).toBe('2 differences from Git');
  });
});

test('before the first revision a node is neither ready nor synced', () => {
  const sync = { revision: null, refused: null, hasPolled: false, unreachable: null };
  const input = { node: 'n', version: '1', sync, snapshot: null, failure: null, context: { now: 0, settleMs: 0 } };
  const status = nodeStatus(input, null);
  expect(verdicts(status)).toEqual({ ...GOOD, Ready: 'False', Synced: 'False', SourceReachable: 'Unknown' });
  expect([status.revision, status.workloads]).toEqual([null, []]);
});
