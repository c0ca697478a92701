import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type AgentWorld, startAgentWorld } from './agent-world.ts';

let world: AgentWorld;

beforeEach(async () => {
  world = await startAgentWorld();
});

afterEach(() => world.stop());

const pod = (namespace: string, name: string): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  containers: [{ name: app, image: 'reg.test/app:1', resources: { limits: { cpu: 100m, memory: 64Mi } } }]
`;

const stateOf = (key: string) => (status: Awaited<ReturnType<AgentWorld['until']>>) =>
  status.workloads.find((workload) => workload.key === key);

test('on a full disk only what needs a new range waits, and says so, and it goes on when there is room', async () => {
  await world.commit(pod('shop', 'old'));
  await world.until('old runs', (status) => stateOf('shop/old')(status)?.state === 'Ready');
  world.broken.add('writeAllocations');
  await world.commit([pod('shop', 'old'), pod('shop', 'mate'), pod('other', 'new')].join('---\n'));
  const status = await world.until(
    'mate runs, new waits',
    (now) => stateOf('shop/mate')(now)?.state === 'Ready' && stateOf('other/new')(now)?.reason === 'Waiting',
  );
  expect(stateOf('other/new')(status)?.message).toMatch(
    /^network other_default: its ranges could not be written down: /,
  );
  expect(status.conditions).toContainEqual(
    expect.objectContaining({
      type: 'Degraded',
      status: 'True',
      message: expect.stringContaining('ranges of networks'),
    }),
  );
  expect(world.backend.node.networks.map(({ name }) => name)).toEqual(['shop_default']);
  // What runs is kept up meanwhile.
  const [{ id = '' } = {}] = (await world.backend.observe()).sandboxes.filter(({ id: each }) => each.includes('old'));
  world.backend.node.killContainer({ sandboxId: id, name: 'app' });
  await world.until('old runs again', (now) => stateOf('shop/old')(now)?.pods[0]?.containers[0]?.restarts === 1);

  world.broken.delete('writeAllocations');
  await world.until('new runs', (now) => stateOf('other/new')(now)?.state === 'Ready');
  await world.until('all is well', (now) =>
    now.conditions.some(({ type, status: is }) => type === 'Degraded' && is === 'False'),
  );
});
