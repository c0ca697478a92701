import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Fleet, holds, runningPids, startFleet } from '../world/fleet.ts';
import type { Program } from '../world/program.ts';

const SECRET = 'correct-horse-battery-staple';
let fleet: Fleet;
let agent: Program;
let reference: string;

beforeAll(async () => {
  fleet = await startFleet();
  await fleet.configure((config) => {
    config.reconcile = { settleMs: 300 };
    config.source = { ...config.source, schedule: '0 0 0 1 1 *' };
  });
  ({ reference } = await fleet.publish('v1'));
  await fleet.author.commit({ files: { 'web.yaml': manifests({ level: 'info', hostname: 'one' }) }, message: 'one' });
  agent = await fleet.startAgent();
});

afterAll(async () => {
  await agent?.stop();
  await fleet?.stop();
});

function manifests({ level, hostname }: { readonly level: string; readonly hostname: string }): string {
  const meta = (name: string): object => ({ name, namespace: 'shop' });
  const container = {
    name: 'app',
    image: reference,
    command: ['/bin/busybox', 'sh', '-c', 'echo "$HOSTNAME" >> /data/log; exec sleep 1000'],
    env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } }],
    securityContext: { runAsNonRoot: true, runAsUser: 1000 },
    resources: { limits: { cpu: '250m', memory: '32Mi' } },
    volumeMounts: [
      { name: 'conf', mountPath: '/conf' },
      { name: 'keys', mountPath: '/keys' },
      { name: 'data', mountPath: '/data', subPath: 'web/data' },
    ],
  };
  const volumes = [
    { name: 'conf', configMap: { name: 'settings' } },
    { name: 'keys', secret: { secretName: 'login', defaultMode: 0o400 } },
    { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
  ];
  const documents = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('settings'), data: { level } },
    { apiVersion: 'v1', kind: 'Secret', metadata: meta('login'), stringData: { password: SECRET } },
    {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta('data') },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: meta('web') },
      spec: { hostname, securityContext: { fsGroup: 3000 }, volumes, containers: [container] },
    },
  ];
  return documents.map((document) => JSON.stringify(document)).join('\n---\n');
}

async function commit(change: { readonly level: string; readonly hostname: string }): Promise<void> {
  await fleet.author.commit({ files: { 'web.yaml': manifests(change) }, message: JSON.stringify(change) });
  await fleet.holdfast('sync');
}

async function running(): Promise<{ readonly pod: string; readonly root: string; readonly pid: number }> {
  const status = await fleet.until('all is well', (now) => holds(now, 'Synced') && now.workloads.length === 1);
  const [[name, pid] = ['', 0]] = Object.entries(runningPids(status));
  return { pod: name.split('/')[0] ?? '', root: `/proc/${pid}/root`, pid };
}

test('settings, secrets and data reach a pod, change under it, and outlive it', async () => {
  const first = await running();
  expect(await readFile(join(first.root, 'conf/level'), 'utf8')).toBe('info');
  expect(await readFile(join(first.root, 'keys/password'), 'utf8')).toBe(SECRET);
  expect(await readFile(join(first.root, 'data/log'), 'utf8')).toBe('one\n');
  const ids = await readFile(`/proc/${first.pid}/uid_map`, 'utf8');

  await commit({ level: 'debug', hostname: 'one' });
  const same = await running();
  expect([same.pid, await readFile(join(same.root, 'conf/level'), 'utf8')]).toEqual([first.pid, 'debug']);

  await commit({ level: 'debug', hostname: 'two' });
  const second = await running();
  expect(second.pod).not.toBe(first.pod);
  expect(await readFile(join(second.root, 'data/log'), 'utf8')).toBe('one\ntwo\n');
  expect(ids).toMatch(/^ +0 +\d+ +65536\n$/);
  const exec = await fleet.holdfast('exec', second.pod, '--', '/bin/busybox', 'sh', '-c', 'echo $PASSWORD');
  expect(exec.stdout.trim()).toBe(SECRET);
});

test('nothing of the secret is in what the agent wrote, said or told', async () => {
  await running();
  const plan = await fleet.holdfast('plan', '--output', 'json');
  const status = await fleet.holdfast('status', '--output', 'json');
  const { collector } = fleet;
  const told = JSON.stringify([collector.spans(), collector.events(), collector.metrics()], (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  expect(told).toContain('shop/web');
  expect([plan.stdout, status.stdout, agent.output(), told].join('\n')).not.toContain(SECRET);
  const found: string[] = [];
  const roots = ['state', 'run', 'logs'].map((name) => join(fleet.directory, name));
  for (const path of (await Promise.all(roots.map(filesBelow))).flat()) {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    // The commit itself is there, as Git keeps it: compressed.
    if ([SECRET, Buffer.from(SECRET).toString('base64')].some((text) => bytes.includes(text))) found.push(path);
  }
  expect(found).toEqual([]);
});

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
