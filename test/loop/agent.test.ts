import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { NodeStatus } from '../../manifests/index.ts';
import { BackendError } from '../../native/index.ts';
import type { Verdict } from '../../policies/index.ts';
import { deployment, documents, pod } from '../reconcile/manifests.ts';
import { type AgentWorld, type AgentWorldOptions, holds, runningImages, startAgentWorld } from './agent-world.ts';

const DENIED: Verdict = {
  decision: 'deny',
  findings: [
    {
      ...{ policy: 'baseline', rule: 'limits', severity: 'deny', message: 'no limits', path: 'spec' },
      ...{ file: 'fleet.yaml', line: 3, column: 1 },
    },
  ],
};

let world: AgentWorld;

afterEach(() => world.stop());

const start = async (options?: AgentWorldOptions): Promise<void> => {
  world = await startAgentWorld(options);
};
const synced =
  (commit: string) =>
  (status: NodeStatus): boolean =>
    status.revision?.commit === commit && holds(status, 'Synced');
const run = async (yaml: string): Promise<NodeStatus> => {
  const commit = await world.commit(yaml);
  return world.until(`${commit} runs`, synced(commit));
};
const firstPod = (status: NodeStatus): { readonly sandboxId: string; readonly name: string } => ({
  sandboxId: status.workloads[0]?.pods[0]?.id ?? '',
  name: 'app',
});

describe('a commit', () => {
  test('runs, and an update of it is told as a change and never as drift', async () => {
    await start();
    await run(deployment({ replicas: 3 }));
    const status = await run(deployment({ replicas: 3, image: 'reg.test/app:2' }));
    expect(runningImages(status)).toEqual(Array(3).fill('reg.test/app:2'));
    await run(deployment({ replicas: 1, image: 'reg.test/app:2' }));
    await run(deployment({ replicas: 2, image: 'reg.test/app:1' }));
    expect(world.telemetry.eventsNamed('holdfast.drift.detected')).toEqual([]);
    const changes = world.telemetry.eventsNamed('holdfast.source.revision.changed');
    expect(changes.map(({ attributes }) => attributes['holdfast.source.revision.previous'])).toEqual([
      undefined,
      ...changes.slice(0, 3).map(({ attributes }) => attributes['vcs.ref.head.revision']),
    ]);
  });

  test('that removes a workload is not in force before its pods are gone', async () => {
    await start();
    await run(documents(deployment(), pod()));
    const status = await run(pod());
    expect(status.workloads.map(({ key }) => key)).toEqual(['default/job']);
    expect((await world.backend.observe()).sandboxes).toHaveLength(1);
  });

  test('replaced by the next while its steps run ends in the next one', async () => {
    await start();
    const held = Promise.withResolvers<void>();
    world.beforePull = () => held.promise;
    await world.commit(deployment({ image: 'reg.test/app:1' }));
    await world.until('it pulls', (now) => now.workloads[0]?.message.includes('pull-image') === true);
    const next = await world.commit(deployment({ image: 'reg.test/app:2' }));
    world.beforePull = () => undefined;
    held.resolve();
    expect(runningImages(await world.until('the next one runs', synced(next)))).toEqual(['reg.test/app:2']);
    expect(world.telemetry.eventsNamed('holdfast.reconcile.failed')).toEqual([]);
  });

  test('that drops a workload while its steps run leaves nothing of it', async () => {
    await start();
    const held = Promise.withResolvers<void>();
    world.beforePull = () => held.promise;
    await world.commit(documents(deployment(), pod({ image: 'reg.test/job:1' })));
    await world.until('it pulls', (now) => now.workloads[0]?.message.includes('pull-image') === true);
    world.beforePull = () => undefined;
    const next = await world.commit(pod({ image: 'reg.test/job:2' }));
    held.resolve();
    await world.until('the rest runs', synced(next));
    expect((await world.backend.observe()).sandboxes.map(({ id }) => id)).toEqual([
      expect.stringMatching(/^default_job_0_/),
    ]);
  });

  test('is the status of a sync as soon as it was looked at', async () => {
    await start();
    await run(deployment());
    const commit = world.source.commit(deployment({ image: 'reg.test/app:2' }));
    const status = await world.agent.sync();
    expect([status.revision?.commit, holds(status, 'Synced')]).toEqual([commit, false]);
  });
});

describe('a pod is kept up', () => {
  test('when it is killed: the drift is told once, and its end', async () => {
    await start();
    const ref = firstPod(await run(deployment()));
    world.backend.node.killContainer(ref);
    await world.until('it runs again', (now) => now.workloads[0]?.pods[0]?.containers[0]?.restarts === 1);
    await world.until('all is well', (now) => holds(now, 'Synced'));
    for (const name of ['holdfast.drift.detected', 'holdfast.drift.corrected'] as const) {
      expect(world.telemetry.eventsNamed(name).map(({ attributes }) => attributes['holdfast.drift.field'])).toEqual([
        'containers[app].state',
      ]);
    }
    expect(world.telemetry.points.filter(({ name }) => name === 'holdfast.workload.restarts')).toHaveLength(1);
  });

  test('while the image of its next version is fetched', async () => {
    await start();
    const ref = firstPod(await run(deployment()));
    const held = Promise.withResolvers<void>();
    world.beforePull = () => held.promise;
    const next = await world.commit(deployment({ image: 'reg.test/app:2' }));
    await world.until('the next one is fetched', (now) => now.workloads[0]?.message.includes('pull-image') === true);
    const applies = world.telemetry.spans.filter(({ name }) => name === 'holdfast.apply').length;
    world.backend.node.killContainer(ref);
    await world.until('it runs again', () => world.backend.node.container(ref)?.exit === null);
    await sleep(200);
    expect(world.telemetry.eventsNamed('holdfast.drift.detected')).toHaveLength(1);
    expect(world.telemetry.spans.filter(({ name }) => name === 'holdfast.apply')).toHaveLength(applies + 1);
    held.resolve();
    await world.until('the next one runs', synced(next));
  });

  test('with the limits it was judged by, when a commit that loosens them is denied', async () => {
    await start();
    const ref = firstPod(await run(deployment({ memory: '64Mi' })));
    world.judge = ({ pod: { containers } }) =>
      containers[0]?.resources.limits.memoryBytes === 64 * 1024 * 1024 ? { decision: 'allow' } : DENIED;
    await world.commit(deployment({ memory: '1Gi' }));
    await world.until('it is denied', (now) => now.workloads[0]?.reason === 'PolicyDenied');
    const before = world.backend.performed.length;
    world.backend.node.killContainer(ref);
    await world.until('it runs again', () => world.backend.node.container(ref)?.exit === null);
    expect(world.backend.node.container(ref)?.applied.memoryBytes).toBe(64 * 1024 * 1024);
    expect(world.backend.performed.slice(before)).toEqual([`startContainer ${ref.sandboxId}/app`]);
  });

  test.each(['writeLastGood', 'writeStatus'] as const)(
    'on a disk so full that %s fails, which is told',
    async (name) => {
      await start();
      world.broken.add(name);
      await world.commit(deployment());
      await world.until('it says that it is degraded', (now) => holds(now, 'Degraded') && holds(now, 'Ready'));
      const [changes] = [world.telemetry.points.filter((point) => point.name === 'holdfast.node.condition').length];
      const ref = firstPod(world.agent.status());
      world.backend.node.killContainer(ref);
      await world.until('it runs again', () => world.backend.node.container(ref)?.exit === null);
      await sleep(300);
      const rest = world.telemetry.points.filter((point) => point.name === 'holdfast.node.condition').length;
      expect(rest - changes).toBeLessThan(18 * 8);
      world.broken.clear();
      await world.until('all is well', (now) => holds(now, 'Synced') && !holds(now, 'Degraded'));
      await sleep(100);
      expect(await world.state.readStatus()).toEqual(world.agent.status());
    },
  );
});

describe('what fails is told once, and tried again', () => {
  test('a step', async () => {
    await start();
    world.backend.failNext('createSandbox', new BackendError('kernel', 'clone', 'no room'));
    const commit = await world.commit(deployment());
    await world.until('it runs', synced(commit));
    expect(world.telemetry.eventsNamed('holdfast.reconcile.failed').map(({ attributes }) => attributes)).toEqual([
      expect.objectContaining({
        'error.type': 'kernel',
        'holdfast.workload.name': 'default/web',
        'holdfast.failure.reason': 'create-pod: no room',
      }),
    ]);
    expect(world.telemetry.eventsNamed('holdfast.reconcile.recovered')).toHaveLength(1);
  });

  test('a look', async () => {
    await start();
    await run(deployment());
    for (let look = 0; look < 3; look++) world.backend.failNext('observe', new BackendError('kernel', 'read', 'odd'));
    await world.until('it says so', (now) => holds(now, 'Degraded'));
    await world.until('all is well', (now) => !holds(now, 'Degraded') && holds(now, 'Synced'));
    expect(world.telemetry.eventsNamed('holdfast.reconcile.failed')).toHaveLength(1);
    expect(world.telemetry.eventsNamed('holdfast.reconcile.recovered')).toHaveLength(1);
    const outcomes = world.telemetry.points.filter(({ name }) => name === 'holdfast.reconcile.runs');
    expect(new Set(outcomes.map(({ attributes }) => attributes['holdfast.reconcile.outcome']))).toEqual(
      new Set(['progressing', 'converged', 'failed']),
    );
  });

  test('an image that cannot be resolved, without a look after the other meanwhile', async () => {
    await start({ settings: { scanIntervalMs: 10_000 } });
    let asked = 0;
    const resolve = world.images.resolve;
    const held = Promise.withResolvers<void>();
    Object.assign(world.images, {
      resolve: async (reference: string) => {
        asked += 1;
        if (asked === 2) await held.promise;
        return resolve(reference);
      },
    });
    world.images.breakDown('reg.test/app:1', 'unreachable');
    await world.restart();
    await world.commit(deployment());
    await world.until('it is asked again', () => asked >= 2);
    const looks = world.telemetry.points.filter(({ name }) => name === 'holdfast.reconcile.runs').length;
    await sleep(200);
    expect(world.telemetry.points.filter(({ name }) => name === 'holdfast.reconcile.runs').length - looks).toBeLessThan(
      5,
    );
    world.images.repair('reg.test/app:1');
    held.resolve();
    await world.until('it runs', (now) => holds(now, 'Synced'));
  });

  test('an evaluation that throws: the workload is tried again and nothing crashes', async () => {
    await start();
    world.judge = () => Promise.reject(new Error('the engine is closed'));
    await world.commit(deployment());
    await world.until('it says so', (now) => now.workloads[0]?.message.includes('the engine is closed') === true);
    world.judge = () => ({ decision: 'allow' });
    await world.until('it runs', (now) => holds(now, 'Synced'));
  });
});

describe('a restarted agent', () => {
  test('takes up what runs, touches nothing, and tells no news', async () => {
    await start();
    await run(documents(deployment({ replicas: 2 }), pod()));
    const before = world.backend.performed.length;
    const events = world.telemetry.events.length;
    await world.restart();
    await world.until('all is well', (now) => holds(now, 'Synced') && now.workloads.length === 2);
    await world.agent.poll();
    await sleep(100);
    expect(world.backend.performed.slice(before)).toEqual([]);
    const news = world.telemetry.events.slice(events).map(({ name }) => name);
    expect(news.filter((name) => name !== 'holdfast.workload.state.changed')).toEqual([]);
  });

  test('keeps the last good version up when the commit it had applied is denied now', async () => {
    await start();
    await run(deployment());
    world.judge = ({ pod: { containers } }) => (containers[0]?.image.endsWith(':2') ? DENIED : { decision: 'allow' });
    await world.commit(deployment({ image: 'reg.test/app:2' }));
    await world.until('it is denied', (now) => now.workloads[0]?.reason === 'PolicyDenied');
    await world.restart();
    const status = await world.until('it is denied again', (now) => now.workloads[0]?.reason === 'PolicyDenied');
    world.backend.node.killContainer(firstPod(status));
    await world.until('the good version runs again', (now) => runningImages(now).length === 1);
    expect(runningImages(world.agent.status())).toEqual(['reg.test/app:1']);
  });

  test('starts with a full disk, and without a readable local copy', async () => {
    await start();
    await run(deployment());
    world.broken.add('writeApplied');
    await world.restart();
    await world.until('all is well', (now) => holds(now, 'Synced'));
    world.source.loseLocalCopy();
    await world.restart();
    expect(world.agent.status().revision).toBeNull();
  });

  test('leaves out state files that are torn, foreign or of another content than they say', async () => {
    await start();
    await run(deployment());
    const [good] = [...(await world.state.readLastGood()).values()];
    const directory = join(world.stateDir, 'last-good');
    await writeFile(join(directory, 'default_torn.json'), '{"workload":');
    await writeFile(join(directory, 'default_foreign.json'), '{"workload":{}}');
    await writeFile(join(directory, 'default_web.json'), JSON.stringify({ ...good, images: {} }));
    await world.restart();
    await world.until('all is well', (now) => holds(now, 'Synced'));
    expect([...(await world.state.readLastGood()).keys()]).toEqual(['default/web']);
  });
});

test('a preview says what would happen, knows what ran well, and changes nothing', async () => {
  await start();
  await run(deployment());
  const before = JSON.stringify(await world.backend.observe());
  const preview = await world.agent.preview([{ path: 'x.yaml', text: deployment({ image: 'reg.test/app:2' }) }]);
  if (!preview.ok) throw new Error(preview.message);
  expect(preview.plan.steps.map(({ kind }) => kind)).toEqual(['pull-image', 'create-pod', 'start-container']);
  expect(await world.agent.preview([{ path: 'x.yaml', text: 'kind: Pod' }])).toEqual(
    expect.objectContaining({ ok: false, code: 'invalid-manifests' }),
  );
  expect(JSON.stringify(await world.backend.observe())).toBe(before);
});

test('stopping waits for the step under way and starts no other', async () => {
  await start();
  const held = Promise.withResolvers<void>();
  world.beforePull = () => held.promise;
  await world.commit(deployment());
  await world.until('it pulls', (now) => now.workloads[0]?.message.includes('pull-image') === true);
  let hasStopped = false;
  const stopped = world.agent.stop().then(() => {
    hasStopped = true;
  });
  await sleep(50);
  expect(hasStopped).toBe(false);
  held.resolve();
  await stopped;
  await sleep(100);
  expect(world.backend.performed).toEqual([]);
});
