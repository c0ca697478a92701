import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openClaims } from '../../agent/execute/claims.ts';
import type { NodeStatus } from '../../manifests/index.ts';
import { documents, pod } from '../reconcile/manifests.ts';
import { type AgentWorld, holds, startAgentWorld } from './agent-world.ts';

const CLAIM = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
`;
const USER = `apiVersion: v1
kind: Pod
metadata: { name: user }
spec:
  volumes: [{ name: d, persistentVolumeClaim: { claimName: data } }]
  containers: [{ name: app, image: 'reg.test/app:1' }]
`;
const DATA = { namespace: 'default', name: 'data' };

let world: AgentWorld;

beforeEach(async () => {
  world = await startAgentWorld();
});
afterEach(() => world.stop());

const synced = (revision: string): Promise<NodeStatus> =>
  world.until('it is synced', (now) => now.revision?.commit === revision && holds(now, 'Synced'));
const withoutClaim = async (): Promise<NodeStatus> => synced(await world.commit(pod()));

describe('a claim that Git has no more', () => {
  beforeEach(async () => {
    await synced(await world.commit(documents(pod(), CLAIM, USER)));
  });

  test('is told of, with its data kept, until a person removes it', async () => {
    const volume = { ...DATA, storageBytes: 1024 * 1024, isBounded: true };
    expect(world.agent.status().volumes).toEqual([{ ...volume, state: 'Declared' }]);
    expect((await withoutClaim()).volumes).toEqual([{ ...volume, state: 'Retained' }]);
    expect(await world.agent.discardVolume(DATA)).toEqual({ ...DATA, state: 'Removed' });
    await world.until('it is gone', ({ volumes }) => volumes?.length === 0);
    await expect(world.agent.discardVolume(DATA)).rejects.toMatchObject({ code: 'no-such-volume' });
  });

  test('is not removed while Git declares it, or a pod uses it', async () => {
    await expect(world.agent.discardVolume(DATA)).rejects.toMatchObject({ code: 'declared' });
    world.judge = ({ workload }) => (workload.name === 'late' ? new Promise(() => undefined) : { decision: 'allow' });
    await world.commit(documents(pod(), pod({ name: 'late' })));
    await world.until('it is left', ({ volumes }) => volumes?.[0]?.state === 'Retained');
    // Who is not judged may have a last good version that uses it.
    await expect(world.agent.discardVolume(DATA)).rejects.toMatchObject({ code: 'in-use' });
    expect(await openClaims(world.stateDir).find('default', 'data')).not.toBeNull();
  });

  test('is removed by the next agent when the one that was told to died', async () => {
    await withoutClaim();
    await world.agent.stop();
    const record = join(world.stateDir, 'volumes/default/data/claim.json');
    await writeFile(record, (await readFile(record, 'utf8')).replace('Retain', 'Delete'));
    await world.restart();
    await world.until('it is gone', ({ volumes }) => volumes?.length === 0);
  });
});

test('a claim that was to be deleted and says so no more is kept, used or not', async () => {
  const marked = CLAIM.replace('name: data', 'name: data, annotations: { holdfast.dev/reclaim-policy: Delete }');
  await synced(await world.commit(documents(pod(), marked, USER)));
  await synced(await world.commit(documents(pod(), CLAIM)));
  expect((await openClaims(world.stateDir).list()).map(({ reclaimPolicy }) => reclaimPolicy)).toEqual(['Retain']);
  expect((await withoutClaim()).volumes).toMatchObject([{ ...DATA, state: 'Retained' }]);
});
