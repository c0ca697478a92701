import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DebugRequest } from '../../agent/debug/request.ts';
import type { NodeStatus } from '../../manifests/index.ts';
import type { ObservedContainer } from '../../native/index.ts';
import { deployment } from '../reconcile/manifests.ts';
import { type AgentWorld, holds, startAgentWorld } from './agent-world.ts';

const REQUEST: DebugRequest = {
  target: 'web',
  image: 'reg.test/tools:1',
  command: ['sleep', '60'],
  processesOf: 'app',
  user: { uid: 1000, gid: null },
  capabilities: ['SYS_PTRACE'],
};

let world: AgentWorld;
let judged: string[][];

beforeEach(async () => {
  world = await startAgentWorld();
  judged = [];
  world.judge = ({ pod }) => {
    judged.push(pod.containers.map(({ name }) => name));
    const isDenied = pod.containers.some(({ image }) => image.includes('evil'));
    const finding = {
      policy: 'baseline',
      rule: 'image-signed',
      severity: 'deny',
      message: 'unsigned',
      path: 'spec',
    } as const;
    return isDenied
      ? { decision: 'deny', findings: [{ ...finding, file: 'web.yaml', line: 1, column: 1 }] }
      : { decision: 'allow' };
  };
  const commit = await world.commit(deployment());
  await world.until('it runs', (status) => status.revision?.commit === commit && holds(status, 'Synced'));
});
afterEach(() => world.stop());

const containers = async (): Promise<readonly ObservedContainer[]> =>
  (await world.backend.observe()).sandboxes[0]?.containers ?? [];
const workload = (status: NodeStatus) => status.workloads[0];

describe('debugging a pod', () => {
  test('starts a container in it, judged with the pod, among the processes asked for', async () => {
    const { pod, container } = await world.agent.debug(REQUEST);
    expect(judged.at(-1)).toEqual(['app', container]);
    expect(await containers()).toMatchObject([{ name: 'app' }, { sandboxId: pod, name: 'debug-1', state: 'running' }]);
    const spec = world.backend.node.container({ sandboxId: pod, name: container })?.spec;
    expect(spec).toMatchObject({
      processesOf: 'app',
      config: { process: { args: ['sleep', '60'], user: { uid: 1000 }, capabilities: ['CAP_SYS_PTRACE'] } },
      limits: { memoryBytes: 256 * 2 ** 20, cpuMillis: 500 },
    });
    expect(spec?.config.linux).toMatchObject({ privileged: false, seccomp: expect.anything() });
  });

  test('is no drift, no part of the workload, and goes with the pod', async () => {
    const { pod, container } = await world.agent.debug(REQUEST);
    world.backend.node.finish({ sandboxId: pod, name: container }, { code: 1 });
    const status = await world.agent.sync();
    expect(workload(status)).toMatchObject({ state: 'Ready', ready: 1 });
    expect(workload(status)?.pods[0]?.containers.map(({ name }) => name)).toEqual(['app']);
    expect(world.telemetry.eventsNamed('holdfast.drift.detected')).toEqual([]);
    const commit = await world.commit(deployment({ image: 'reg.test/app:2' }));
    await world.until('it is updated', (now) => now.revision?.commit === commit && holds(now, 'Synced'));
    expect(world.backend.node.sandbox(pod)).toBeNull();
  });

  test('gives each a name of its own, and removes those that have ended', async () => {
    const first = await world.agent.debug(REQUEST);
    expect((await world.agent.debug({ ...REQUEST, processesOf: null })).container).toBe('debug-2');
    world.backend.node.finish({ sandboxId: first.pod, name: first.container }, { code: 0 });
    expect((await world.agent.debug(REQUEST)).container).toBe('debug-1');
    expect((await containers()).map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'app running',
      'debug-1 running',
      'debug-2 running',
    ]);
  });

  test('removes one that has ended without being asked, and its log stays', async () => {
    const { pod, container } = await world.agent.debug(REQUEST);
    world.backend.node.finish({ sandboxId: pod, name: container }, { code: 0 });
    await world.agent.sync();
    expect((await containers()).map(({ name }) => name)).toEqual(['app']);
    expect(world.backend.node.sandbox(pod)).not.toBeNull();
  });

  test('survives the agent', async () => {
    await world.agent.debug(REQUEST);
    await world.restart();
    expect(workload(await world.agent.sync())).toMatchObject({ state: 'Ready' });
    expect(await containers()).toHaveLength(2);
  });

  test.each<[string, Partial<DebugRequest>, string, RegExp]>([
    ['an image the policies deny', { image: 'reg.test/evil:1' }, 'denied', /baseline\/image-signed: unsigned/],
    ['a pod that is not there', { target: 'nobody' }, 'no-such-pod', /nobody has no running pod/],
    ['a container that is not there', { processesOf: 'db' }, 'no-such-pod', /no running container db, but app/],
    ['an image that is none', { image: 'a b' }, 'invalid-request', /image: is not an image reference/],
    ['a capability that is none', { capabilities: ['SYS_PTRAC'] }, 'invalid-request', /did you mean `SYS_PTRACE`/],
    ['a user there is not', { user: { uid: 70_000, gid: null } }, 'invalid-request', /at most 65535/],
  ])('is refused for %s, and starts nothing', async (_, changes, code, message) => {
    await expect(world.agent.debug({ ...REQUEST, ...changes })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await containers()).toHaveLength(1);
  });
});
