import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compare } from '../../agent/drift/compare.ts';
import { createNodeWorld, type NodeWorld } from './node-world.ts';

const container = (name: string, more = ''): string =>
  `{ name: ${name}, image: 'reg.test/${name}:1', resources: { limits: { cpu: 100m, memory: 64Mi } }${more} }`;

const podText = (restartPolicy: string): string => `apiVersion: v1
kind: Pod
metadata: { name: job }
spec:
  restartPolicy: ${restartPolicy}
  initContainers:
    - ${container('first')}
    - ${container('proxy', ', restartPolicy: Always')}
    - ${container('second')}
  containers:
    - ${container('app')}
`;

let world: NodeWorld;
let initCode = 0;
let isRunning = true;

beforeEach(async () => {
  initCode = 0;
  isRunning = false;
  // Init containers end at once unless they shall run.
  world = await createNodeWorld(({ name }) =>
    !isRunning && (name === 'first' || name === 'second') ? { ends: { code: initCode } } : {},
  );
});
afterEach(() => world.remove());

const started = (): readonly string[] =>
  world.backend.performed
    .filter((operation) => operation.startsWith('startContainer'))
    .map((text) => text.split('/')[1] ?? '');

const states = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    (await world.observe()).pods.flatMap((pod) => pod.containers.map(({ name, state }) => [name, state])),
  );

const ref = async (name: string): Promise<{ sandboxId: string; name: string }> => ({
  sandboxId: (await world.observe()).pods[0]?.id ?? '',
  name,
});

describe('a pod with init containers and a sidecar', () => {
  test('starts them one after the other, each init after the end of the one before', async () => {
    await world.commit(podText('Always'));
    await world.converge();
    expect(started()).toEqual(['first', 'proxy', 'second', 'app']);
    expect(await states()).toEqual({ first: 'exited', proxy: 'running', second: 'exited', app: 'running' });
    expect(compare(world.desired(), await world.observe())).toEqual([]);
    expect((await world.plan()).unchanged).toEqual(['default/job']);
  });

  test('waits for an init container that runs, and is not available meanwhile', async () => {
    isRunning = true;
    await world.commit(podText('Always'));
    await world.converge();
    world.clock.time += 60_000;
    expect(started()).toEqual(['first']);
    expect((await world.plan()).waiting).toEqual([
      expect.objectContaining({ reason: 'init container first runs', until: null }),
    ]);
    expect(compare(world.desired(), await world.observe())).toEqual([]);
  });

  test('tries a failing init container again with back-off', async () => {
    initCode = 1;
    await world.commit(podText('Always'));
    await world.round();
    await world.round();
    expect(started()).toEqual(['first', 'first']);
    expect((await world.plan()).waiting[0]?.until).toBeGreaterThan(world.clock.time);
    initCode = 0;
    await world.converge();
    expect(started()).toEqual(['first', 'first', 'first', 'proxy', 'second', 'app']);
  });

  test('ends with its failed init container when it must not restart', async () => {
    initCode = 3;
    await world.commit(podText('Never'));
    await world.converge();
    expect(started()).toEqual(['first']);
    expect((await world.plan()).blocked).toEqual([
      expect.objectContaining({ reason: 'init container first exited with status 3, and restartPolicy is Never' }),
    ]);
  });

  test('restarts a killed sidecar and a killed main container alone', async () => {
    await world.commit(podText('Always'));
    await world.converge();
    world.backend.node.killContainer(await ref('proxy'));
    expect(compare(world.desired(), await world.observe())).toEqual([
      expect.objectContaining({ field: 'initContainers[proxy].state', observed: 'was killed by SIGKILL' }),
    ]);
    await world.converge();
    world.backend.node.killContainer(await ref('app'));
    await world.converge();
    expect(started().slice(4)).toEqual(['proxy', 'app']);
  });

  test('runs everything again, in order, when its sandbox died', async () => {
    await world.commit(podText('Always'));
    await world.converge();
    world.backend.node.killSandbox((await ref('app')).sandboxId);
    await world.converge();
    expect(started().slice(4)).toEqual(['first', 'proxy', 'second', 'app']);
  });

  test('stops its sidecar when its main container has completed, and rests', async () => {
    await world.commit(podText('OnFailure'));
    await world.converge();
    world.backend.node.finish(await ref('app'), { code: 0 });
    await world.converge();
    expect((await states()).proxy).toBe('exited');
    expect((await world.plan()).unchanged).toEqual(['default/job']);
    expect(compare(world.desired(), await world.observe())).toEqual([]);
  });
});
