import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Verdict } from '../../policies/index.ts';
import { deployment, documents } from './manifests.ts';
import { createNodeWorld, type NodeWorld } from './node-world.ts';

const DENIED: Verdict = { decision: 'deny', findings: [] };
const ON_BACK = "holdfast.dev/networks: 'back'";

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
  world.hasNetworks = true;
});
afterEach(() => world.remove());

test.each([false, true])(
  'a network that left Git keeps its way out as it was (%s) for the last good version on it',
  async (outbound) => {
    await world.commit(
      documents(
        `apiVersion: holdfast.dev/v1alpha1
kind: Network
metadata: { name: back }
spec: { outbound: ${outbound} }
`,
        deployment({ annotations: ON_BACK }),
      ),
    );
    await world.converge();
    world.clock.time += 2_001;
    await world.round();

    await world.commit(deployment({ image: 'reg.test/app:2' }));
    const [wanted] = world.desired().workloads.map((workload) => workload.wanted);
    if (wanted?.state !== 'judged') throw new Error('not judged');
    world.verdicts.set(wanted.version.digest, DENIED);
    await world.converge();

    const back = world.backend.node.networks.find(({ name }) => name === 'default_back');
    expect(back?.isOutbound).toBe(outbound);
    expect((await world.observe()).pods.map(({ addresses }) => addresses?.map(({ network }) => network))).toEqual([
      ['default_back'],
    ]);
  },
);
