import { expect, test } from '@jest/globals';
import { showStatus } from '../../agent/cli/show-status.ts';
import { observe } from '../../agent/observe/observe.ts';
import { nodeStatus } from '../../agent/status/node-status.ts';
import { deployment } from '../reconcile/manifests.ts';
import { createNodeWorld } from '../reconcile/node-world.ts';

test('the status warns of what the node’s kernel refused in full, and of nothing else', async () => {
  const world = await createNodeWorld();
  try {
    await world.commit(deployment());
    await world.converge();
    const shown = async (): Promise<string> => {
      const observed = await observe(world.backend, world.images, new Set());
      const desired = world.desired();
      const snapshot = { desired, observed, plan: await world.plan(), drift: [] };
      const sync = { revision: null, refused: null, hasPolled: true, unreachable: null };
      const context = { now: world.clock.time, settleMs: 0 };
      return showStatus(nodeStatus({ node: 'n', version: '1', sync, snapshot, failure: null, context }, null));
    };
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
