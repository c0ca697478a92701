import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NetworkDifference, ObservedSandbox } from '../../native/index.ts';
import { runInNetworkOf } from '../world/network-namespace.ts';
import { nodePortrait, podPortrait } from './faults/network-portrait.ts';
import { type NetworkStage, openNetworkStage } from './network-stage.ts';

const LOOKS = 100;
const MAC = '02:48:0a:01:00:02';

let stage: NetworkStage;
let pod: ObservedSandbox;
/** Names of the links that the stage made. */
let links: { readonly bridge: string; readonly port: string };

beforeEach(async () => {
  stage = await openNetworkStage();
  await stage.network({ name: 'a' });
  await stage.network({ name: 'b', subnet4: '10.2.0.0/24', subnet6: null, isOutbound: false });
  pod = await stage.pod('pod', {
    networks: ['a', 'b'].map((name) => ({ name, aliases: [] })),
    ports: [{ protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 }],
  });
  const bridge = await bridgeWith('10.1.0.1');
  links = { bridge, port: await portOf(bridge) };
});

afterEach(() => stage.close());

async function bridgeWith(address: string): Promise<string> {
  return (await stage.node.run('ip', '-o', 'addr', 'show', 'to', address)).split(/\s+/)[1] ?? '';
}

async function portOf(bridge: string): Promise<string> {
  const [link] = JSON.parse(await stage.node.run('ip', '-j', 'link', 'show', 'master', bridge));
  return link.ifname;
}

/** What was found in all of the networks and in the pod. */
async function differences(): Promise<readonly NetworkDifference[]> {
  const { networks, sandboxes } = await stage.backend.observe();
  return [...networks, ...sandboxes].flatMap((each) => each.differences ?? []);
}

/** As the planner has it done. */
async function heal(): Promise<void> {
  const { networks } = await stage.backend.observe();
  for (const { state, differences: _, ...network } of networks)
    if (state === 'broken') await stage.backend.createNetwork(network);
  const { sandboxes } = await stage.backend.observe();
  for (const { id, differences: found } of sandboxes) if (found !== undefined) await stage.backend.reconnectSandbox(id);
}

async function portrait(): Promise<readonly string[]> {
  return [...(await nodePortrait(stage.node)), ...(await podPortrait({ run: runInNetworkOf(pod.pid as number) }))];
}

test(`${LOOKS} looks at networks that nobody touched find nothing`, async () => {
  await stage.backend.applyTraffic({ guards: [{ sandbox: 'pod', directions: ['egress'] }], allowed: [], services: [] });
  for (let i = 0; i < LOOKS; i += 1) expect(await differences()).toEqual([]);
  await stage.reopen();
  for (let i = 0; i < LOOKS; i += 1) expect(await differences()).toEqual([]);
});

/** BRIDGE, PORT: as {@link links}. What is changed, and what of it is found in the kernel's words. */
const ON_THE_NODE: readonly (readonly [what: string, change: string, found: readonly Partial<NetworkDifference>[]])[] =
  [
    ['a port that is gone', 'ip link del PORT', [{ field: 'eth0.port', found: 'missing' }]],
    ['a port of no bridge', 'ip link set PORT nomaster', [{ field: 'eth0.port.bridge', found: 'none' }]],
    ['a port that is down', 'ip link set PORT down', [{ field: 'eth0.port.state', found: 'down' }]],
    [
      'a port that is isolated, or is not',
      'bridge -d link show dev PORT | grep -q "isolated on" && to=off || to=on; bridge link set dev PORT isolated $to',
      [{ field: 'eth0.port.isolated' }],
    ],
    ['a port that learns', 'bridge link set dev PORT learning on', [{ field: 'eth0.port.learning', found: '1' }]],
    ['a port that is flooded', 'bridge link set dev PORT flood on', [{ field: 'eth0.port.flood', found: '1' }]],
    [
      'a port that answers for others',
      'bridge link set dev PORT neigh_suppress on',
      [{ field: 'eth0.port.neigh_suppress', found: '1' }],
    ],
    ['a port without lock', 'bridge link set dev PORT locked off', [{ field: 'eth0.port.locked', found: '0' }]],
    [
      'a station that is forgotten',
      `bridge fdb del ${MAC} dev PORT master`,
      [{ field: 'eth0.port.station', expected: MAC, found: 'missing' }],
    ],
    [
      'a neighbour that is another',
      'ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:99 dev BRIDGE nud permanent',
      [{ field: 'eth0.port.neighbour[10.1.0.2]', expected: MAC, found: '02:00:00:00:00:99' }],
    ],
    [
      'a neighbour that is forgotten',
      'ip neigh del fd42:1::2 dev BRIDGE',
      [{ field: 'eth0.port.neighbour[fd42:1::2]', found: 'missing' }],
    ],
    [
      'another address of the bridge',
      'ip addr del 10.1.0.1/24 dev BRIDGE; ip addr add 10.9.0.1/24 dev BRIDGE',
      [{ field: 'bridge.addresses', expected: '10.1.0.1/24 fd42:1::1/64', found: '10.9.0.1/24 fd42:1::1/64' }],
    ],
    ['another MAC address of the bridge', 'ip link set BRIDGE address 02:00:00:00:00:99', [{ field: 'bridge.mac' }]],
    [
      'a setting of the bridge',
      'echo 0 > /proc/sys/net/ipv4/conf/BRIDGE/route_localnet',
      [{ expected: '1', found: '0' }],
    ],
    ['a node that forwards nothing', 'echo 0 > /proc/sys/net/ipv4/ip_forward', [{ field: 'ipv4/ip_forward' }]],
  ];

const IN_THE_POD: typeof ON_THE_NODE = [
  ['a card that is gone', 'ip link del eth0', [{ field: 'eth0', found: 'missing' }]],
  ['a card of another name', 'ip link set eth0 down; ip link set eth0 name other', [{ field: 'eth0' }]],
  ['a card that is down', 'ip link set eth1 down', [{ field: 'eth1.state', found: 'down' }]],
  ['another MAC address', 'ip link set eth0 address 02:00:00:00:00:99', [{ field: 'eth0.mac' }]],
  ['an address that is gone', 'ip addr del 10.1.0.2/32 dev eth0', [{ field: 'eth0.address[10.1.0.2]' }]],
  ['an IPv6 address that is gone', 'ip addr del fd42:1::2/128 dev eth0', [{ field: 'eth0.address[fd42:1::2]' }]],
  ['a route that is gone', 'ip route del 10.2.0.0/24', [{ field: 'eth1.route[10.2.0.0/24]', found: 'missing' }]],
  ['no way out', 'ip route del default', [{ field: 'eth0.route[IPv4]', expected: '10.1.0.1' }]],
  ['another IPv6 way out', 'ip -6 route del default', [{ field: 'eth0.route[IPv6]', found: 'missing' }]],
  [
    'another gateway',
    'ip neigh replace 10.1.0.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
    [{ field: 'eth0.neighbour[10.1.0.1]', found: '02:00:00:00:00:99' }],
  ],
];

describe('a change by somebody else is seen and taken back', () => {
  const tamper = async (run: NetworkStage['node']['run'], change: string) =>
    run('sh', '-e', '-c', change.replaceAll('BRIDGE', links.bridge).replaceAll('PORT', links.port));

  const check = async (run: NetworkStage['node']['run'], change: string, found: (typeof ON_THE_NODE)[number][2]) => {
    const before = await portrait();
    await tamper(run, change);
    const seen = await differences();
    for (const each of found) expect(seen).toContainEqual(expect.objectContaining(each));
    await heal();
    expect(await differences()).toEqual([]);
    expect(await portrait()).toEqual(before);
    expect((await stage.backend.observe()).sandboxes).toEqual([pod]);
  };

  test.each(ON_THE_NODE)('%s', async (_, change, found) => {
    await check(stage.node.run, change, found);
  });

  test.each(IN_THE_POD)('in the pod: %s', async (_, change, found) => {
    await check(runInNetworkOf(pod.pid as number), change, found);
  });
});

test('what a pod adds to its own cards is its own affair', async () => {
  const inPod = runInNetworkOf(pod.pid as number);
  await inPod(
    'sh',
    '-e',
    '-c',
    'ip link add own type veth peer name other; ip addr add 10.77.0.1/24 dev own; ip link set own up',
  );
  await inPod('ip', 'addr', 'add', '10.78.0.1/24', 'dev', 'eth0');
  expect(await differences()).toEqual([]);
});

test('pods are entered in turn, and one that was changed again and again until it is right', async () => {
  for (let i = 0; i < 20; i += 1) await stage.pod(`p${i}`, {});
  const { sandboxes } = await stage.backend.observe();
  for (const { pid } of sandboxes) await runInNetworkOf(pid as number)('ip', 'route', 'del', 'default');
  const seen = new Set<string>();
  for (let looks = 0; looks < 10; looks += 1) {
    const now = (await stage.backend.observe()).sandboxes.filter((each) => each.differences !== undefined);
    for (const { id } of now) seen.add(id);
    for (const { id } of now) await stage.backend.reconnectSandbox(id);
  }
  expect(seen.size).toBe(sandboxes.length);
  expect(await differences()).toEqual([]);
});
