import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openClaims } from '../../agent/execute/claims.ts';
import { plan } from '../../agent/reconcile/planner.ts';
import type { Wanted } from '../../agent/reconcile/state.ts';
import { AgentDied, createFakeBackend } from '../fakes/fake-backend.ts';
import { createNodeWorld, type NodeWorld } from './node-world.ts';

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
});
afterEach(() => world.remove());

const map = (level: string, name = 'settings'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { level: ${level} }`;
const secret = (value: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: token }\nstringData: { value: ${value} }`;
const claim = (policy = 'Retain'): string =>
  [
    'apiVersion: v1',
    'kind: PersistentVolumeClaim',
    `metadata: { name: data, annotations: { holdfast.dev/reclaim-policy: ${policy} } }`,
    'spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }',
  ].join('\n');
const pod = (fields: string, name = 'web'): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec:\n${fields}\n  containers: [{ name: app, image: 'reg.test/app:1' }]`;
const FILES =
  '  volumes: [{ name: conf, configMap: { name: settings } }, { name: keys, secret: { secretName: token } }]';
const USES_CLAIM = '  volumes: [{ name: d, persistentVolumeClaim: { claimName: data } }]';
const withEnv = (ref: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec:\n  containers: [{ name: app, image: 'reg.test/app:1', env: [{ name: A, valueFrom: ${ref} }] }]`;
const all = (...texts: readonly string[]): string => texts.join('\n---\n');

const only = async (): Promise<string> => {
  const pods = (await world.observe()).pods.map(({ id }) => id);
  expect(pods).toHaveLength(1);
  return pods[0] ?? '';
};
const fileOf = async (volume: string, file: string): Promise<string> => {
  const { path } = await world.backend.volumeDirectory(await only(), volume);
  return readFile(join(path, file), 'utf8');
};
const started = (): number => world.backend.performed.filter((step) => step.startsWith('startContainer')).length;

describe('files of ConfigMaps and Secrets', () => {
  test('are there before the containers, and change with Git without a restart', async () => {
    await world.commit(all(pod(FILES), map('info'), secret('hush')));
    await world.converge();
    expect([await fileOf('conf', 'level'), await fileOf('keys', 'value')]).toEqual(['info', 'hush']);
    const before = await only();

    await world.commit(all(pod(FILES), map('debug'), secret('hush')));
    const { steps } = await world.round();
    expect(steps.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['write-files', 'its files changed in Git (volume conf)'],
    ]);
    await world.converge();
    expect([await fileOf('conf', 'level'), await only(), started()]).toEqual(['debug', before, 1]);
  });

  test('that somebody changes are written anew', async () => {
    await world.commit(all(pod(FILES), map('info'), secret('hush')));
    await world.converge();
    const { path } = await world.backend.volumeDirectory(await only(), 'conf');
    await writeFile(join(path, 'level'), 'tampered');
    expect((await world.observe()).pods[0]?.staleFiles).toEqual([{ volume: 'conf', state: 'tampered' }]);
    await world.converge();
    expect(await fileOf('conf', 'level')).toBe('info');
    await rm(join(path, '..data'));
    await world.converge();
    expect([await fileOf('conf', 'level'), started()]).toEqual(['info', 1]);
  });

  test('no value is in a version or a plan', async () => {
    await world.commit(all(pod(FILES), map('info'), secret('hush-hush')));
    const plan = await world.plan();
    expect(JSON.stringify([plan, world.desired()])).not.toContain('hush-hush');
    expect(JSON.stringify(world.desired())).not.toContain(Buffer.from('hush-hush').toString('base64'));
  });

  test('are written by the next agent when this one dies at any step', async () => {
    for (let operations = 0; operations < 4; operations += 1) {
      await world.remove();
      world = await createNodeWorld();
      await world.commit(all(pod(FILES), map('info'), secret('hush')));
      world.backend.crashAfter(operations);
      await world.converge().catch((error) => expect(error).toBeInstanceOf(Error));
      const { node } = world.backend;
      world.backend = createFakeBackend({ clock: { now: () => world.clock.time }, node });
      world.clock.time += 10 * 60_000;
      await world.converge();
      expect([await fileOf('conf', 'level'), await fileOf('keys', 'value')]).toEqual(['info', 'hush']);
      expect((await world.plan()).steps).toEqual([]);
    }
    expect(AgentDied).toBeDefined();
  });
});

describe('variables of ConfigMaps and Secrets', () => {
  test.each([
    ['{ configMapKeyRef: { name: settings, key: level } }', map('info'), map('debug')],
    ['{ secretKeyRef: { name: token, key: value } }', secret('one'), secret('two')],
  ])('%s make a new pod when they change, and only then', async (ref, before, after) => {
    await world.commit(all(withEnv(ref), before, map('x', 'other')));
    await world.converge();
    const first = await only();
    await world.commit(all(withEnv(ref), before, map('y', 'other')));
    await world.converge();
    expect(await only()).toBe(first);
    await world.commit(all(withEnv(ref), after));
    await world.converge();
    expect(await only()).not.toBe(first);
  });
});

describe('a volume claim', () => {
  const claims = async (): Promise<readonly string[]> =>
    ((await world.observe()).claims ?? []).map(({ namespace, name }) => `${namespace}/${name}`);

  test('is made for the first pod that uses it, and no other', async () => {
    await world.commit(all(pod(''), claim()));
    await world.converge();
    expect(await claims()).toEqual([]);
    await world.commit(all(pod(USES_CLAIM), claim()));
    expect((await world.plan()).steps.map(({ kind }) => kind).slice(0, 3)).toContain('create-volume');
    await world.converge();
    expect(await claims()).toEqual(['default/data']);
    expect((await world.plan()).steps).toEqual([]);
  });

  test('is kept when it leaves Git, and deleted when it said so itself', async () => {
    await world.commit(all(pod(USES_CLAIM), claim()));
    await world.converge();
    await world.commit(pod(''));
    await world.converge();
    expect(await claims()).toEqual(['default/data']);

    await world.commit(all(pod(USES_CLAIM), claim('Delete')));
    await world.converge();
    await world.commit(pod(''));
    await world.converge();
    expect(await claims()).toEqual([]);
  });

  test.each<Wanted>([
    { state: 'preparing' } as const,
    { state: 'unresolved', failure: { kind: 'transient', code: 'x', reason: 'x' }, retryAt: 1 },
  ])('is kept while it is not known who needs it: a workload of its namespace is $state', async (wanted) => {
    await world.commit(all(pod(USES_CLAIM), claim('Delete')));
    await world.converge();
    await world.commit(pod(''));
    // As after a boot: no pod is there, and no last good version is judged again yet.
    const observed = { ...(await world.observe()), pods: [] };
    const desired = world.desired();
    const workloads = desired.workloads.map((workload) => ({ ...workload, wanted, lastGood: null, former: [] }));
    const context = { history: {}, now: 0, settleMs: 0, onViolation: 'report' } as const;
    expect(plan({ ...desired, workloads }, observed, context).steps).toEqual([]);
  });

  test('that the file system could hold to its size is held, without touching its pods', async () => {
    await world.commit(all(pod(USES_CLAIM), claim()));
    await world.converge();
    const observed = await world.observe();
    const loose = { ...observed, claims: (observed.claims ?? []).map((each) => ({ ...each, isLoose: true })) };
    const context = { history: {}, now: 0, settleMs: 0, onViolation: 'report' } as const;
    expect(plan(world.desired(), loose, context).steps).toMatchObject([
      { kind: 'create-volume', claim: { name: 'data' }, reason: 'not held to its size by the file system' },
    ]);
    expect(plan(world.desired(), observed, context).steps).toEqual([]);
  });

  test('outlives its pods, with what is in it', async () => {
    await world.commit(all(pod(USES_CLAIM), claim('Delete')));
    await world.converge();
    const [path] = world.backend.node.observe().sandboxes[0]?.containers ?? [];
    expect(path).toBeDefined();
    const first = await only();
    await world.commit(all(pod(`${USES_CLAIM}\n  hostname: other`), claim('Delete')));
    await world.converge();
    expect(await only()).not.toBe(first);
    expect(await claims()).toEqual(['default/data']);
  });
});

describe('an emptyDir on disk with a limit', () => {
  const LIMITED = '  volumes: [{ name: s, emptyDir: { sizeLimit: 64Ki } }, { name: free, emptyDir: {} }]';
  const mounted = pod(LIMITED).replace(
    "'reg.test/app:1' }",
    "'reg.test/app:1', volumeMounts: [{ name: s, mountPath: /s }, { name: free, mountPath: /free }] }",
  );
  const directoryOf = async (path: string): Promise<string> => {
    const { config } = world.backend.node.container({ sandboxId: await only(), name: 'app' })?.spec ?? {};
    return config?.mounts.find(({ destination }) => destination === path)?.source ?? '';
  };

  test('has its pod evicted, told with how much it took, and made anew without what was in it', async () => {
    await world.commit(mounted);
    await world.converge();
    await writeFile(join(await directoryOf('/free'), 'big'), Buffer.alloc(256 * 1024, 1));
    expect((await world.plan()).steps).toEqual([]);
    await writeFile(join(await directoryOf('/s'), 'big'), Buffer.alloc(256 * 1024, 1));
    let { steps } = await world.plan();
    // A walk that is not over in time is told by a later look.
    while (steps.length === 0) ({ steps } = await world.plan());
    expect(steps.map(({ kind, reason }) => [kind, reason])).toEqual(
      ['stop-pod', 'remove-pod'].map((kind) => [
        kind,
        expect.stringMatching(/^volume s takes \d{6} bytes or more of its limit of 65536$/),
      ]),
    );
    while ((await world.round()).steps.length === 0);
    await world.converge();
    expect([await readdir(await directoryOf('/s')), started()]).toEqual([[], 2]);
  });
});

test('an interrupted removal of a claim is taken up again', async () => {
  const { path: root } = await import('../world/temp-dir.ts').then(({ makeTempDir }) => makeTempDir());
  const store = openClaims(root);
  const record = { namespace: 'a', name: 'b.c', storageBytes: 1, isForOnePod: false, reclaimPolicy: 'Delete' } as const;
  await store.create(record);
  await rm(store.path('a', 'b.c'), { recursive: true });
  expect(await store.list()).toEqual([record]);
  await store.remove('a', 'b.c');
  expect([await store.list(), await readdir(join(root, 'volumes'))]).toEqual([[], []]);
  await rm(root, { recursive: true });
});
