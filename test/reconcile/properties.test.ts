import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compare } from '../../agent/drift/compare.ts';
import { desiredTraffic } from '../../agent/reconcile/networks/desired-traffic.ts';
import { isConverged } from '../../agent/reconcile/plan.ts';
import { createFakeBackend } from '../fakes/fake-backend.ts';
import { deployment, documents, networkRules, pod } from './manifests.ts';
import { createNodeWorld, type NodeWorld } from './node-world.ts';

/** Anything that may happen to a node between two looks. */
const EVENTS: Readonly<Record<string, (world: NodeWorld, pick: number) => Promise<void>>> = {
  commit: (world, pick) =>
    world.commit(
      documents(
        deployment({
          image: `reg.test/app:${pick % 3}`,
          replicas: pick % 4,
          strategy: pick % 2 === 0 ? 'Recreate' : 'RollingUpdate',
        }),
        pod({ memory: `${64 + (pick % 5)}Mi`, containers: pick % 2 === 0 ? ['app'] : ['app', 'proxy'] }),
        ...(pick % 3 === 0 ? [pod({ name: 'extra' })] : []),
        ...(pick % 5 === 0
          ? []
          : [networkRules('web', { from: pick % 2 === 0 ? 'web' : 'job', isOutbound: pick % 4 !== 0 })]),
      ),
    ),
  'kill a container': async (world, pick) => {
    const target = await anyContainer(world, pick);
    if (target !== null) world.backend.node.killContainer(target);
  },
  'tamper with a limit': async (world, pick) => {
    const target = await anyContainer(world, pick);
    if (target !== null) world.backend.node.tamperLimits(target, { memoryBytes: 65_536 * (1 + (pick % 100)) });
  },
  'kill a sandbox': async (world, pick) => {
    const { pods } = await world.observe();
    const found = pods[pick % Math.max(1, pods.length)];
    if (found !== undefined) world.backend.node.killSandbox(found.id);
  },
  'take a card away': async (world, pick) => {
    const { pods } = await world.observe();
    const found = pods[pick % Math.max(1, pods.length)];
    if (found !== undefined) world.backend.node.unplug(found.id);
  },
  'break a network': async (world, pick) => {
    const { networks } = world.backend.node;
    const found = networks[pick % Math.max(1, networks.length)];
    if (found !== undefined) world.backend.node.breakNetwork(found.name);
  },
  'add a stranger': async (world, pick) => world.backend.node.addStranger(`stranger-${pick}`, [pick]),
  'kill the agent soon': async (world, pick) => {
    world.backend.crashAfter(pick % 6);
    await world.round().catch(() => undefined);
    world.backend = createFakeBackend({ clock: { now: () => world.clock.time }, node: world.backend.node });
    world.clock.time += 600_000;
  },
  look: async (world) => {
    await world.round();
  },
  'let time pass': async (world, pick) => {
    world.clock.time += pick * 100;
  },
};

async function anyContainer(world: NodeWorld, pick: number): Promise<{ sandboxId: string; name: string } | null> {
  const running = (await world.observe()).pods.flatMap((observed) =>
    observed.containers
      .filter((container) => container.state === 'running')
      .map(({ name }) => ({ sandboxId: observed.id, name })),
  );
  return running[pick % Math.max(1, running.length)] ?? null;
}

test('whatever happens, the node converges, has no drift, and one pod runs for each replica', async () => {
  const happening = fc.tuple(fc.constantFrom(...Object.keys(EVENTS)), fc.nat(1_000));
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 12 }), async (happenings) => {
      const world = await createNodeWorld();
      world.hasNetworks = true;
      try {
        await world.commit(documents(deployment({ replicas: 2 }), pod()));
        for (const [name, pick] of happenings) await EVENTS[name]?.(world, pick);
        world.clock.time += 600_000;
        await world.converge();
        const observed = await world.observe();
        expect(isConverged(await world.plan())).toBe(true);
        expect(compare(world.desired(), observed)).toEqual([]);
        const { networking } = world.desired();
        expect(observed.traffic).toEqual(networking && desiredTraffic(world.desired(), networking, observed).rules);
        for (const { key, wanted } of world.desired().workloads) {
          if (wanted.state !== 'judged') throw new Error(`${key} was not judged`);
          const replicas = observed.pods.filter((found) => found.key === key).map((found) => found.replica);
          expect(replicas.toSorted()).toEqual(
            Array.from({ length: wanted.version.workload.replicas }, (_, replica) => replica),
          );
        }
      } finally {
        await world.remove();
      }
    }),
    { numRuns: 150 },
  );
});
