import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { webManifest } from '../demo/manifests.ts';
import { type Fleet, holds, runningPids, startFleet } from '../world/fleet.ts';
import type { Program } from '../world/program.ts';

let fleet: Fleet;
let agent: Program;
let image = '';
let pod = '';

beforeAll(async () => {
  fleet = await startFleet();
  await fleet.configure((config) => {
    config.reconcile = { settleMs: 100 };
  });
  ({ reference: image } = await fleet.publish('v1'));
  await fleet.author.commit({ files: { 'web.yaml': webManifest({ image, replicas: 1 }) }, message: 'web' });
  agent = await fleet.startAgent();
  const status = await fleet.until('web runs', (now) => holds(now, 'Synced') && now.workloads.length === 1);
  pod = Object.keys(runningPids(status))[0]?.split('/')[0] ?? '';
});

afterAll(async () => {
  await agent?.stop();
  await fleet?.stop();
});

const shell = (script: string): readonly string[] => ['--', '/bin/sh', '-c', script];
const execIn = (container: string, script: string) =>
  fleet.holdfast('exec', '--container', container, pod, ...shell(script));

test('a container is attached to a running pod, among the processes of one of its own, and the pod stays as it is', async () => {
  const attached = await fleet.holdfast('debug', 'web', '--image', image, '--target', 'app', ...shell('sleep 1000'));
  expect(attached).toMatchObject({ code: 0, stdout: expect.stringContaining(`container debug-1 runs in pod ${pod}`) });
  const debug = await execIn(
    'debug-1',
    'readlink /proc/self/ns/pid; readlink /proc/self/ns/net; readlink /proc/self/ns/mnt',
  );
  const app = await execIn('app', 'readlink /proc/self/ns/pid; readlink /proc/self/ns/net; readlink /proc/self/ns/mnt');
  const [debugSpaces, appSpaces] = [debug, app].map(({ stdout }) => stdout.trim().split('\n'));
  expect(debugSpaces?.slice(0, 2)).toEqual(appSpaces?.slice(0, 2));
  expect(debugSpaces?.[2]).not.toBe(appSpaces?.[2]);
  const status = await fleet.status();
  expect(status.workloads).toMatchObject([{ state: 'Ready', pods: [{ containers: [{ name: 'app' }] }] }]);
  const drifts = fleet.collector.events().filter(({ name }) => name === 'holdfast.drift.detected');
  expect(drifts).toEqual([]);
});

test('the policies judge it: an image nobody signed is denied, and nothing starts', async () => {
  const { reference } = await fleet.publishUnsigned('unsigned');
  const denied = await fleet.holdfast('debug', 'web', '--image', reference, ...shell('sleep 1000'));
  expect(denied).toMatchObject({ code: 1, stderr: expect.stringContaining('baseline/image-signed') });
  expect((await execIn('debug-2', 'true')).code).not.toBe(0);
});

test('it goes with its pod', async () => {
  const other = (await fleet.publish('v2')).reference;
  await fleet.author.commit({ files: { 'web.yaml': webManifest({ image: other, replicas: 1 }) }, message: 'another' });
  await fleet.holdfast('sync');
  await fleet.until(
    'the other runs',
    (now) => holds(now, 'Synced') && !Object.keys(runningPids(now)).some((name) => name.startsWith(pod)),
    60_000,
  );
  expect((await execIn('debug-1', 'true')).stderr).toContain('no running container');
});
