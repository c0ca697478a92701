import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sensorManifest, webManifest } from '../demo/manifests.ts';
import { makeTinyBundle } from '../policies/tiny-bundle.ts';
import { type Fleet, holds, runningPids, startFleet } from '../world/fleet.ts';
import type { BuiltImage } from '../world/image-builder.ts';
import type { Program } from '../world/program.ts';

let fleet: Fleet;
let agent: Program | undefined;
let image: BuiltImage;

beforeEach(async () => {
  fleet = await startFleet();
  image = await fleet.publish('v1');
  const files = { 'web.yaml': webManifest({ image: image.reference }), 'sensor.yaml': sensorManifest(image.reference) };
  await fleet.author.commit({ files, message: 'web and sensor' });
});

afterEach(async () => {
  await agent?.stop();
  await fleet?.stop();
});

const converged = async (): Promise<Readonly<Record<string, number>>> => {
  const status = await fleet.until('all runs', (now) => holds(now, 'Synced') && now.workloads.length === 2);
  return runningPids(status);
};

test('an agent killed again and again on its way still converges to one container each', async () => {
  for (const lifeMs of [150, 400, 700, 900, 1_100, 1_300, 1_600]) {
    agent = await fleet.startAgent();
    await sleep(lifeMs);
    await agent.kill();
  }
  agent = await fleet.startAgent();
  expect(Object.keys(await converged())).toHaveLength(4);
}, 120_000);

describe('a restarted agent', () => {
  let before: Readonly<Record<string, number>>;

  beforeEach(async () => {
    agent = await fleet.startAgent();
    before = await converged();
    await agent.kill();
  });

  test('takes up its containers without Git server and registry', async () => {
    await fleet.git.stop();
    fleet.breakRegistry(() => ({ type: 'status', status: 503 }));
    agent = await fleet.startAgent();
    const status = await fleet.until(
      'it works offline',
      (now) => holds(now, 'Ready') && !holds(now, 'SourceReachable'),
    );
    expect(runningPids(status)).toEqual(before);
    const [victim] = Object.values(before);
    if (victim === undefined) throw new Error('nothing runs');
    process.kill(victim, 'SIGKILL');
    await fleet.until(
      'the container runs again',
      (now) => holds(now, 'Ready') && !Object.values(runningPids(now)).includes(victim),
    );
  });

  test('stops nothing when its policies no longer give an answer, and starts nothing either', async () => {
    const bundle = await makeTinyBundle(fleet.directory, 'findings := input.nothing');
    await fleet.configure((config) => {
      config.policy = { bundle };
    });
    agent = await fleet.startAgent();
    const status = await fleet.until(
      'all is denied',
      (now) => now.workloads.every(({ state }) => state === 'Blocked') && now.workloads.length > 0,
    );
    expect(status.workloads[0]?.findings[0]).toEqual(
      expect.objectContaining({ policy: 'engine', rule: 'engine-undefined' }),
    );
    expect(runningPids(status)).toEqual(before);
  });

  test('refuses to start with a bundle that was tampered with, and says so', async () => {
    await fleet.configure((config) => {
      config.policy = { bundle: fleet.directory };
    });
    const { code, stderr } = await fleet.holdfast('agent');
    agent = undefined;
    expect(code).toBe(1);
    expect(stderr).toMatch(/bundle/);
    expect(Object.values(before).every((pid) => process.kill(pid, 0))).toBe(true);
  });
});

test('a second agent on the same node refuses to start', async () => {
  agent = await fleet.startAgent();
  const { code, stderr } = await fleet.holdfast('agent');
  expect(code).toBe(1);
  expect(stderr).toContain('another agent is running');
});
