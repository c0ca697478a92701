import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openClaims } from '../../agent/execute/claims.ts';
import { VolumeError } from '../../agent/loop/discard-volume.ts';
import { openStateFiles } from '../../agent/state/state-files.ts';
import type { VolumeStatus } from '../../manifests/index.ts';
import { sampleStatus } from '../fakes/fake-agent.ts';
import { type CommandLine, makeCommandLine } from './command-line.ts';

const MIB = 1024 * 1024;
const KEPT: VolumeStatus = { namespace: 'shop', name: 'old', storageBytes: MIB, state: 'Retained', isBounded: false };
const USED: VolumeStatus = { ...KEPT, name: 'data', state: 'Declared', isBounded: true };

let node: CommandLine;

beforeEach(async () => {
  node = await makeCommandLine();
});
afterEach(() => node.remove());

describe('status', () => {
  const answer = sampleStatus({ volumes: [USED, KEPT], volumeObstacle: 'no project quotas' });

  test('tells of volumes, what they take, and how to remove those that are kept', async () => {
    await node.write('state/volumes/shop/old/data/file', Buffer.alloc(300_000, 1));
    await node.serve({ status: () => answer });
    const { out } = await node.holdfast('status');
    const [, volumes = ''] = out.split('VOLUME');
    expect(volumes.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      ' STATE SIZE USED BOUNDED PATH',
      expect.stringMatching(/^shop\/data Declared 1\.0MiB 0B yes .*\/state\/volumes\/shop\/data\/data$/),
      expect.stringMatching(/^shop\/old Retained 1\.0MiB 29\dKiB no .*\/state\/volumes\/shop\/old\/data$/),
      'WARN volumes can outgrow their size: no project quotas',
      'Git does not declare shop/old any more; `holdfast volume rm` deletes what is kept',
      '',
    ]);
  });

  test('tells them as JSON, and when the agent is down', async () => {
    await openClaims(`${node.directory}/state`).create({
      ...{ namespace: 'shop', name: 'old', storageBytes: MIB, isForOnePod: false, reclaimPolicy: 'Retain' },
    });
    await openStateFiles(`${node.directory}/state`).writeStatus(answer);
    const { volumes, volumeObstacle } = JSON.parse((await node.holdfast('status', '-o', 'json')).out);
    expect(volumes).toEqual([
      { ...USED, path: expect.stringContaining('shop/data/data'), usedBytes: 0 },
      { ...KEPT, path: expect.stringContaining('shop/old/data'), usedBytes: 0 },
    ]);
    expect(volumeObstacle).toBe('no project quotas');
  });

  test('says nothing of volumes where there are none, or an older agent wrote it', async () => {
    for (const changes of [{ volumes: [], volumeObstacle: 'no project quotas' }, {}]) {
      const api = await node.serve({ status: () => sampleStatus(changes) });
      expect((await node.holdfast('status')).out).not.toMatch(/VOLUME|WARN/);
      await api.close();
    }
  });
});

describe('volume rm', () => {
  test('asks the agent for each, and has status 3 while one is still to go', async () => {
    const asked: unknown[] = [];
    await node.serve({
      discardVolume: async (volume) => {
        asked.push(volume);
        return { ...volume, state: volume.name === 'b' ? 'Removing' : 'Removed' };
      },
    });
    const { code, out } = await node.holdfast('volume', 'rm', 'shop/a', 'shop/b');
    expect([code, out]).toEqual([3, 'removed shop/a\nshop/b will be removed when that works\n']);
    expect(asked).toEqual([
      { namespace: 'shop', name: 'a' },
      { namespace: 'shop', name: 'b' },
    ]);
    expect((await node.holdfast('volume', 'rm', 'shop/a')).code).toBe(0);
  });

  test('fails with the agent’s words, needs the agent, and whole names', async () => {
    const api = await node.serve({
      discardVolume: () => Promise.reject(new VolumeError('declared', 'Git declares the claim shop/a')),
    });
    expect(await node.holdfast('volume', 'rm', 'shop/a')).toMatchObject({
      code: 1,
      err: 'holdfast: Git declares the claim shop/a\n',
    });
    await api.close();
    expect((await node.holdfast('volume', 'rm', 'shop/a')).code).toBe(4);
    for (const name of ['a', 'a/b/c', '/a']) expect((await node.holdfast('volume', 'rm', name)).code).toBe(2);
  });
});
