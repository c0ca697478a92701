import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compare, type Drift } from '../../agent/drift/compare.ts';
import { driftEdges } from '../../agent/drift/edges.ts';
import { deployment } from '../reconcile/manifests.ts';
import { createNodeWorld, type NodeWorld } from '../reconcile/node-world.ts';

let world: NodeWorld;
let pod = '';

beforeEach(async () => {
  world = await createNodeWorld();
  await world.commit(deployment());
  await world.converge();
  pod = (await world.observe()).pods[0]?.id ?? '';
});
afterEach(() => world.remove());

const drift = async (): Promise<readonly Drift[]> => compare(world.desired(), await world.observe());

test('a converged node has none', async () => {
  expect(await drift()).toEqual([]);
});

const TAMPERINGS: Readonly<Record<string, readonly [() => void, Partial<Drift>]>> = {
  'a killed container': [
    () => world.backend.node.killContainer({ sandboxId: pod, name: 'app' }),
    { field: 'containers[app].state', desired: 'running', observed: 'was killed by SIGKILL' },
  ],
  'a container that ran out of memory': [
    () => world.backend.node.finish({ sandboxId: pod, name: 'app' }, { signal: 'SIGKILL', oomKilled: true }),
    { field: 'containers[app].state', observed: 'ran out of memory' },
  ],
  'a container that vanished': [
    () => world.backend.node.dropContainer({ sandboxId: pod, name: 'app' }),
    { field: 'containers[app].state', observed: 'missing' },
  ],
  'a container held still': [
    () => world.backend.node.setPaused({ sandboxId: pod, name: 'app' }, true),
    { field: 'containers[app].state', desired: 'running', observed: 'paused' },
  ],
  'a pod that vanished': [() => world.backend.node.dropSandbox(pod), { field: 'pod', observed: 'missing' }],
  'a dead sandbox': [() => world.backend.node.killSandbox(pod), { field: 'pod', observed: 'dead' }],
  'a changed memory limit': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { memoryBytes: 1024 * 1024 }),
    { field: 'containers[app].resources.limits.memory', desired: '67108864', observed: '1048576' },
  ],
  'a removed cpu limit': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { cpuMillis: null }),
    { field: 'containers[app].resources.limits.cpu', desired: '100', observed: 'unlimited' },
  ],
  'a changed pids limit': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { pids: 1 }),
    { field: 'containers[app].resources.limits.pids', desired: '1024', observed: '1' },
  ],
  'a cgroup of somebody else': [
    () => world.backend.node.addStranger('intruder', [42]),
    { workload: '', pod: 'intruder', field: 'cgroup', desired: 'absent', observed: '1 processes' },
  ],
};

describe.each(Object.entries(TAMPERINGS))('%s', (_name, [tamper, expected]) => {
  test('is one drift, and is healed', async () => {
    tamper();
    expect(await drift()).toEqual([expect.objectContaining({ action: 'healed', ...expected })]);
    await world.converge();
    expect(await drift()).toEqual([]);
  });
});

test('a commit on its way is work, not drift', async () => {
  await world.commit(deployment({ image: 'reg.test/app:2', memory: '128Mi' }));
  expect(await drift()).toEqual([]);
  await world.round();
  expect(await drift()).toEqual([]);
});

test('a pod of a version nobody knows is drift of its spec', async () => {
  await world.commit(deployment({ image: 'reg.test/app:2' }));
  await world.round();
  await world.commit(deployment({ image: 'reg.test/app:3' }));
  const [foreign] = await drift();
  expect(foreign).toEqual(expect.objectContaining({ field: 'spec', action: 'healed' }));
});

describe('edges', () => {
  const a: Drift = {
    workload: 'default/web',
    pod: 'p',
    field: 'pod',
    desired: 'running',
    observed: 'dead',
    action: 'healed',
  };
  const b: Drift = { ...a, observed: 'missing' };

  test('tell a drift once when it comes and once when it goes', () => {
    expect(driftEdges([], [a])).toEqual({ detected: [a], corrected: [] });
    expect(driftEdges([a], [a])).toEqual({ detected: [], corrected: [] });
    expect(driftEdges([a], [])).toEqual({ detected: [], corrected: [a] });
  });

  test('tell a change of the observed value as one gone and one come', () => {
    expect(driftEdges([a], [b])).toEqual({ detected: [b], corrected: [a] });
  });
});
