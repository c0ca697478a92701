import { expect, test } from '@jest/globals';
import { showStatus } from '../../agent/cli/show-status.ts';
import { observe } from '../../agent/observe/observe.ts';
import { nodeStatus } from '../../agent/status/node-status.ts';
import type { NodeStatus } from '../../manifests/index.ts';
import { deployment } from '../reconcile/manifests.ts';
import { createNodeWorld, type NodeWorld } from '../reconcile/node-world.ts';

test('the status says where pods are on their networks, and which ports of the node lead to them', async () => {
  const world = await createNodeWorld();
  try {
    world.hasNetworks = true;
    await world.commit(deployment({ hostPort: 80 }));
    await world.converge();
    const status = await statusOf(world);
    expect(status.workloads[0]?.pods[0]).toMatchObject({
      addresses: ['10.1.0.2', 'fd42::2'],
      ports: ['*:80->8080/tcp'],
    });
    const { id = '' } = status.workloads[0]?.pods[0] ?? {};
    const columns = showStatus(status)
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(columns).toContainEqual(['POD', 'STATE', 'ADDRESSES', 'PORTS']);
    expect(columns).toContainEqual([id, 'Running', '10.1.0.2,fd42::2', '*:80->8080/tcp']);
    world.hasNetworks = false;
    await world.commit(deployment({ image: 'reg.test/app:2' }));
    await world.converge();
    expect(showStatus(await statusOf(world))).not.toContain('ADDRESSES');
  } finally {
    await world.remove();
  }
});

async function statusOf(world: NodeWorld): Promise<NodeStatus> {
  const observed = await observe(world.backend, world.images, new Set());
  const desired = world.desired();
  const snapshot = { desired, observed, plan: await world.plan(), drift: [] };
  const sync = { revision: null, refused: null, hasPolled: true, unreachable: null };
  const context = { now: world.clock.time, settleMs: 0 };
  return nodeStatus({ node: 'n', version: '1', sync, snapshot, failure: null, context }, null);
}

test('the status warns of what the node’s kernel refused in full, and of nothing else', async () => {
  const world = await createNodeWorld();
  try {
    await world.commit(deployment());
    await world.converge();
    const shown = async (): Promise<string> => showStatus(await statusOf(world));
    expect(await shown()).not.toContain('WARN');
    const pod = (await world.observe()).pods[0]?.id ?? '';
    world.backend.node.clamp({ sandboxId: pod, name: 'app' }, ['rlimits', 'oomScoreAdj']);
    expect(await shown()).toContain(
      `WARN  default/web  ${pod}/app: this node grants less than asked for of rlimits, oomScoreAdj\n`,
    );
  } finally {
    await world.remove();
  }
});
