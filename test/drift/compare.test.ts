import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compare, type Drift } from '../../agent/drift/compare.ts';
import { driftEdges } from '../../agent/drift/edges.ts';
import { writePodLabels } from '../../agent/observe/labels.ts';
import { deployment } from '../reconcile/manifests.ts';
import { createNodeWorld, type NodeWorld } from '../reconcile/node-world.ts';

let world: NodeWorld;
let pod = '';

beforeEach(async () => {
  world = await createNodeWorld();
  const limits = 'hugepages-2Mi: 4Mi, holdfast.dev/swap: 1Mi, holdfast.dev/memory-high: 32Mi';
  const annotations = 'cpus.holdfast.dev/app: 0-1, mems.holdfast.dev/app: "0", io.holdfast.dev/app: /dev/fake rbps=1M';
  await world.commit(deployment({ limits, annotations }));
  await world.converge();
  pod = (await world.observe()).pods[0]?.id ?? '';
});
afterEach(() => world.remove());

const drift = async (): Promise<readonly Drift[]> => compare(world.desired(), await world.observe());

test('a converged node has none', async () => {
  expect(await drift()).toEqual([]);
});

test('a profile whose file changed since a container was started with it is told, and left to the next start', async () => {
  const observed = await world.observe();
  const withProfile = (now: string | null) => ({
    ...observed,
    pods: observed.pods.map((each) => ({
      ...each,
      containers: each.containers.map((one) => ({ ...one, seccomp: { path: 'a.json', started: 'sha256:1', now } })),
    })),
  });
  const field = 'containers[app].securityContext.seccompProfile';
  expect(compare(world.desired(), withProfile('sha256:1'))).toEqual([]);
  for (const [now, desired] of [
    ['sha256:2', 'sha256:2'],
    [null, 'missing'],
  ] as const) {
    expect(compare(world.desired(), withProfile(now))).toMatchObject([
      { field, desired, observed: 'sha256:1', action: 'reported' },
    ]);
  }
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
  'another share of the CPU': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { cpuShares: 1024 }),
    { field: 'containers[app].resources.requests.cpu', desired: '102', observed: '1024' },
  ],
  'swap that was not allowed': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { swapBytes: 2 ** 30 }),
    { field: 'containers[app].resources.limits.swap', desired: '1048576', observed: '1073741824' },
  ],
  'no soft limit of memory': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { memoryHighBytes: null }),
    { field: 'containers[app].resources.limits.memoryHigh', desired: '33554432', observed: 'unlimited' },
  ],
  'more huge pages': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { hugepages: { '2MB': 2 ** 23 } }),
    { field: 'containers[app].resources.limits.hugepages', desired: '{"2MB":4194304}', observed: '{"2MB":8388608}' },
  ],
  'other CPUs': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { cpus: '0-3' }),
    { field: 'containers[app].cpuset.cpus', desired: '0-1', observed: '0-3' },
  ],
  'other memory nodes': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { mems: null }),
    { field: 'containers[app].cpuset.mems', desired: '0', observed: 'unlimited' },
  ],
  'a device without its limit': [
    () => world.backend.node.tamperLimits({ sandboxId: pod, name: 'app' }, { ioDevices: [] }),
    {
      field: 'containers[app].io.devices',
      desired: '[{"device":"/dev/fake","readBytesPerSecond":1000000}]',
      observed: 'unlimited',
    },
  ],
  'a card that was taken away': [
    () => world.backend.node.unplug(pod),
    { field: 'network.eth0', desired: 'there', observed: 'missing' },
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

test('a pod of a version nobody wanted is drift of its spec, and is healed', async () => {
  const labels = writePodLabels({ key: 'default/web', replica: 0, identity: 'sha256:e', revision: 'c', graceMs: 0 });
  world.backend.node.addSandbox({ id: 'stray', labels, hostname: 'web', network: 'private', users: 'private' });
  expect(await drift()).toEqual([expect.objectContaining({ field: 'spec', pod: 'stray', action: 'healed' })]);
  await world.converge();
  expect(await drift()).toEqual([]);
});

describe('what a commit asks for is no drift', () => {
  test.each([
    [1, 3],
    [3, 1],
    [3, 0],
  ])('scaling from %i to %i, one of the pods down', async (from, to) => {
    await world.commit(deployment({ replicas: from }));
    await world.converge();
    await world.commit(deployment({ replicas: to }));
    expect(await drift()).toEqual([]);
    const first = (await world.observe()).pods.find(({ replica }) => replica === 0);
    if (to > 0) world.backend.node.killContainer({ sandboxId: first?.id ?? '', name: 'app' });
    await world.round();
    expect((await drift()).filter(({ field }) => field === 'pod')).toEqual([]);
  });

  test.each([
    ['another version', 'reg.test/app:3'],
    ['the first version again', 'reg.test/app:1'],
  ])('%s, in the middle of an update', async (_name, image) => {
    await world.commit(deployment({ replicas: 2 }));
    await world.converge();
    await world.commit(deployment({ replicas: 2, image: 'reg.test/app:2' }));
    await world.round();
    world.clock.time += 2_001;
    await world.round();
    await world.commit(deployment({ replicas: 2, image }));
    for (let round = 0; round < 10; round++) {
      expect(await drift()).toEqual([]);
      await world.round();
      world.clock.time += 1_000;
    }
  });

  test('the last good version while the next is not judged, and pods of an unfinished update stand in for its own', async () => {
    await world.commit(deployment({ replicas: 2 }));
    await world.converge();
    await world.commit(deployment({ replicas: 2, image: 'reg.test/app:2' }));
    await world.round();
    world.clock.time += 2_001;
    await world.round();
    const desired = world.desired();
    const workloads = desired.workloads.map((workload) => ({ ...workload, wanted: { state: 'preparing' } as const }));
    expect(compare({ ...desired, workloads }, await world.observe())).toEqual([]);
  });
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
