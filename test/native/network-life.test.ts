import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { BridgedNetwork } from '../../native/index.ts';
import { untilSome } from './container-stage.ts';
import { type NetworkStage, openNetworkStage } from './network-stage.ts';

const PODS = 50;
const LINKS_OF_STAGE = ['lo', 'uplink'];

let stage: NetworkStage;

beforeEach(async () => {
  stage = await openNetworkStage();
});

afterEach(() => stage.close());

const onA = (hostPort: number): BridgedNetwork => ({
  type: 'bridge',
  networks: [{ name: 'a', aliases: [] }],
  ports: [{ protocol: 'tcp', hostIp: null, hostPort, containerPort: 80 }],
});

test(`${PODS} pods come and go without a trace, and so do the networks`, async () => {
  const settings = 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding';
  const before = await stage.node.run('sh', '-c', settings);
  const descriptors = (await readdir('/proc/self/fd')).length;
  await stage.network({ name: 'a' });
  const empty = await ruleset();
  const ids = Array.from({ length: PODS }, (_, i) => `pod-${i}`);
  for (const [i, id] of ids.entries()) await stage.sandbox({ id, network: onA(1000 + i) });
  const { sandboxes } = await stage.backend.observe();
  expect(new Set(sandboxes.map(({ addresses }) => addresses[0]?.ipv4)).size).toBe(PODS);
  expect((await ruleset()).match(/tcp \. \d+ : 10\.1\.0\./g)?.length).toBe(PODS);
  expect((await links()).length).toBe(LINKS_OF_STAGE.length + 1 + PODS);
  for (const id of ids) await stage.backend.removeSandbox(id);
  expect(await ruleset()).toBe(empty);
  await stage.backend.removeNetwork('a');
  await stage.backend.removeNetwork('a');
  await untilSome(async () => (await links()).join() === LINKS_OF_STAGE.join());
  expect(await ruleset()).toBe('');
  expect(await stage.node.run('sh', '-c', settings)).toBe(before);
  expect((await readdir('/proc/self/fd')).length).toBe(descriptors);
  expect(await readdir(stage.runDir, { recursive: true })).toEqual(['exits', 'ids', 'sandboxes']);
});

test('the rules of others are left alone', async () => {
  await stage.node.run(
    'nft',
    'add table inet filter { chain input { type filter hook input priority 0; tcp dport 1 drop; }; }',
  );
  const before = await ruleset();
  await stage.network({ name: 'a' });
  await stage.sandbox({ network: onA(80) });
  await stage.reopen();
  expect(await stage.node.run('nft', 'list', 'table', 'inet', 'filter')).toBe(before);
  await stage.backend.removeSandbox('pod');
  await stage.backend.removeNetwork('a');
  expect(await ruleset()).toBe(before);
});

describe('a network somebody broke', () => {
  test.each([
    ['the rules', ['nft', 'flush', 'ruleset']],
    ['the bridge', ['sh', '-c', 'ip link del $(ip -o link show type bridge | cut -d: -f2)']],
    ['the bridge’s state', ['sh', '-c', 'ip link set $(ip -o link show type bridge | cut -d: -f2) down']],
  ] as const)('is observed without %s, and made whole', async (_, [command, ...args]) => {
    await stage.network({ name: 'a' });
    const pod = await stage.pod('pod', onA(80));
    await stage.answer(pod.pid, 'pod', 80);
    await stage.node.run(command, ...args);
    expect((await stage.backend.observe()).networks).toMatchObject([{ name: 'a', state: 'broken' }]);
    await stage.network({ name: 'a' });
    expect((await stage.backend.observe()).networks).toMatchObject([{ name: 'a', state: 'ready' }]);
    expect(await stage.ask(stage.outside.pid, 'tcp', '192.0.2.1', 80)).toBe('pod to 192.0.2.2');
  });

  test('gets its rules back with the next pod that publishes a port', async () => {
    await stage.network({ name: 'a' });
    await stage.sandbox({ id: 'first', network: onA(80) });
    const before = await ruleset();
    await stage.node.run('nft', 'flush', 'ruleset');
    await stage.sandbox({ id: 'second', network: onA(81) });
    await stage.backend.removeSandbox('second');
    expect(await ruleset()).toBe(before);
  });
});

describe('an agent that starts', () => {
  test('makes networks whole, and takes away the ports of a pod that was never finished', async () => {
    await stage.network({ name: 'a' });
    await stage.sandbox({ id: 'kept', network: onA(80) });
    const before = await ruleset();
    await stage.sandbox({ id: 'lost', network: onA(81) });
    await stage.node.run('rm', '-r', `${stage.runDir}/sandboxes/lost`);
    await stage.reopen();
    expect(await ruleset()).toBe(before);
    await stage.node.run('nft', 'flush', 'ruleset');
    await stage.reopen();
    expect(await ruleset()).toBe(before);
  });

  test('finishes the removal of the last network', async () => {
    const before = await stage.node.run('cat', '/proc/sys/net/ipv4/ip_forward');
    await stage.network({ name: 'a' });
    await stage.node.run('sh', '-c', 'ip link del $(ip -o link show type bridge | cut -d: -f2)');
    await stage.node.run('rm', `${stage.runDir}/networks/a.json`);
    await stage.reopen();
    expect(await ruleset()).toBe('');
    expect(await stage.node.run('cat', '/proc/sys/net/ipv4/ip_forward')).toBe(before);
    expect(await readdir(stage.runDir)).toEqual(['exits', 'ids', 'sandboxes']);
  });
});

test('a pod whose network fails half-way leaves nothing', async () => {
  await stage.network({ name: 'a' });
  const before = [await ruleset(), await links()].join();
  await stage.node.run('sh', '-c', 'ip link del $(ip -o link show type bridge | cut -d: -f2)');
  await expect(stage.sandbox({ network: onA(80) })).rejects.toMatchObject({ code: 'kernel', errno: 'ENODEV' });
  expect((await stage.backend.observe()).sandboxes).toEqual([]);
  expect(await stage.cgroups.list()).toEqual([]);
  await stage.network({ name: 'a' });
  expect([await ruleset(), await links()].join()).toBe(before);
});

function ruleset(): Promise<string> {
  return stage.node.run('nft', 'list', 'ruleset');
}

async function links(): Promise<readonly string[]> {
  const names = (await stage.node.run('ip', '-o', 'link')).split('\n').map((line) => line.split(/: |@/)[1] ?? '');
  return names.sort((a, b) => Number(a.startsWith('hf')) - Number(b.startsWith('hf')));
}
