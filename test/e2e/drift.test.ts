import { spawn } from 'node:child_process';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseCgroupMounts } from '../../native/cgroup/mounts.ts';
import { sensorManifest, webManifest } from '../demo/manifests.ts';
import { type Fleet, holds, memoryLimitFile, runningPids, startFleet } from '../world/fleet.ts';
import { runInNetworkOf } from '../world/network-namespace.ts';
import type { ReceivedEvent } from '../world/otlp-decode.ts';
import type { Program } from '../world/program.ts';

let fleet: Fleet;
let agent: Program;
let pod = '';
let pid = 0;

beforeAll(async () => {
  fleet = await startFleet();
  await fleet.configure((config) => {
    // The defaults of a real node, and a schedule that never comes by itself.
    config.reconcile = { settleMs: 500 };
    config.source = { ...config.source, schedule: '0 0 0 1 1 *' };
  });
  const { reference } = await fleet.publish('v1');
  const files = {
    'web.yaml': webManifest({ image: reference, replicas: 1 }),
    'sensor.yaml': sensorManifest(reference),
  };
  await fleet.author.commit({ files, message: 'web and sensor' });
  agent = await fleet.startAgent();
});

afterAll(async () => {
  await agent?.stop();
  await fleet?.stop();
});

beforeEach(async () => {
  const status = await fleet.until('all is well', (now) => holds(now, 'Synced') && now.workloads.length === 2);
  const [found] = Object.entries(runningPids(status)).filter(([name]) => name.startsWith('default_web'));
  if (found === undefined) throw new Error('web does not run');
  [pod, pid] = [found[0].split('/')[0] ?? '', found[1]];
});

const told = (name: string, field: string, since: number): Promise<ReceivedEvent> =>
  fleet.collector.waitFor(({ events }) =>
    events.find(
      (event) => event.name === name && event.attributes['holdfast.drift.field'] === field && event.at >= since,
    ),
  );

/** Tampers, and holds the agent to seeing it, telling it, healing it, and telling that too. */
async function expectHealed(field: string, tamper: () => Promise<unknown> | unknown): Promise<ReceivedEvent> {
  const since = Date.now();
  await tamper();
  const detected = await told('holdfast.drift.detected', field, since);
  await told('holdfast.drift.corrected', field, since);
  return detected;
}

const limitFile = async (controller: string, v1: string, v2: string): Promise<string> => {
  const memory = await memoryLimitFile(fleet.cgroupRoot, pod, 'app');
  return memory.endsWith('memory.max')
    ? join(dirname(memory), v2)
    : join(dirname(memory).replace('/memory/', `/${controller}/`), v1);
};

describe('drift on the real kernel is seen, healed, and told', () => {
  test('a killed container', async () => {
    const event = await expectHealed('containers[app].state', () => process.kill(pid, 'SIGKILL'));
    expect(event.attributes).toEqual(
      expect.objectContaining({
        'holdfast.workload.name': 'default/web',
        'holdfast.drift.observed': 'was killed by SIGKILL',
        'holdfast.drift.action': 'healed',
        'vcs.ref.head.revision': (await fleet.status()).revision?.commit,
      }),
    );
  });

  test.each([
    ['memory', 'memory.limit_in_bytes', 'memory.max', String(32 * 1024 * 1024), '67108864'],
    ['cpu', 'cpu.cfs_quota_us', 'cpu.max', '50000', '250'],
    ['pids', 'pids.max', 'pids.max', '500', '1024'],
  ])('a changed %s limit, without a restart', async (controller, v1, v2, value, desired) => {
    const file = await limitFile(controller, v1, v2);
    const before = await readFile(file, 'utf8');
    const event = await expectHealed(`containers[app].resources.limits.${controller}`, () => writeFile(file, value));
    expect(event.attributes['holdfast.drift.desired']).toBe(desired);
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(process.kill(pid, 0)).toBe(true);
  });

  test.each([
    ['a card that was taken away', 'network.eth0', 'ip link del eth0'],
    ['a way out that was taken away', 'network.eth0.route[IPv4]', 'ip route del default'],
  ])('%s, without a restart', async (_, field, change) => {
    const inPod = runInNetworkOf(pid);
    const before = await inPod('ip', 'route');
    const event = await expectHealed(field, () => inPod('sh', '-c', change));
    expect(event.attributes['container.id']).toBe(pod);
    expect(await inPod('ip', 'route')).toBe(before);
    expect(process.kill(pid, 0)).toBe(true);
  });

  test('a process of somebody else in our tree', async () => {
    const intruder = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => intruder.once('exit', (_code, signal) => resolve(signal)));
    const group = join(dirname(dirname(dirname(await memoryLimitFile(fleet.cgroupRoot, pod, 'app')))), 'intruder');
    await expectHealed('cgroup', async () => {
      await mkdir(group);
      await writeFile(join(group, 'cgroup.procs'), String(intruder.pid));
    });
    expect(await ended).toBe('SIGKILL');
    await expect(rmdir(group)).rejects.toThrow(/ENOENT/);
  });

  test('a pod whose namespaces died', async () => {
    const holder = await sandboxPid();
    const event = await expectHealed('pod', () => process.kill(holder, 'SIGKILL'));
    expect(event.attributes['container.id']).toBe(pod);
  });
});

/** The process that holds the pod's namespaces: in the shim's group of the pod, and nobody's child there. */
async function sandboxPid(): Promise<number> {
  const { unified } = parseCgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  if (unified === null) throw new Error('this node has no v2 tree');
  const group = join(unified, fleet.cgroupRoot, pod, '.shim', 'cgroup.procs');
  const pids = (await readFile(group, 'utf8')).trim().split('\n').map(Number);
  const namespaces = await Promise.all(
    pids.map(async (candidate) => ({ candidate, map: await readFile(`/proc/${candidate}/uid_map`, 'utf8') })),
  );
  const holder = namespaces.find(({ map }) => !/^\s*0\s+0\s+4294967295/.test(map))?.candidate;
  if (holder === undefined) throw new Error(`no sandbox process among ${pids.join(', ')}`);
  return holder;
}

test('SIGHUP polls the source at once, and one trace leads from the fetch to the container', async () => {
  const { reference } = await fleet.publish('v2');
  const files = { 'web.yaml': webManifest({ image: reference, replicas: 1 }) };
  const commit = await fleet.author.commit({ files, message: 'v2' });
  process.kill(agent.pid, 'SIGHUP');
  await fleet.until('v2 runs', (now) => now.revision?.commit === commit && holds(now, 'Synced'));
  const root = await fleet.collector.waitFor(({ spans }) =>
    spans.find(
      ({ name, attributes }) => name === 'holdfast.reconcile' && attributes['vcs.ref.head.revision'] === commit,
    ),
  );
  const trace = fleet.collector.spans().filter(({ traceId }) => traceId === root.traceId);
  expect(trace.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'holdfast.reconcile',
      'holdfast.source.fetch',
      'holdfast.manifest.parse',
      'holdfast.policy.evaluate',
      'holdfast.apply',
      'holdfast.step',
      'holdfast.image.pull',
      'holdfast.container.start',
    ]),
  );
  expect(root.resource['service.name']).toBe('holdfast-agent');
});

test('the metrics a dashboard needs arrive', async () => {
  const wanted = [
    'holdfast.drift.detections',
    'holdfast.drift.corrections',
    'holdfast.workload.count',
    'holdfast.node.condition',
    'holdfast.workload.restarts',
    'holdfast.source.fetch.duration',
    'holdfast.policy.evaluations',
    'holdfast.reconcile.runs',
  ];
  await fleet.collector.waitFor(({ metrics }) => wanted.every((name) => metrics.some((point) => point.name === name)));
});
