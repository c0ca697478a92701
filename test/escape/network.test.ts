import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type NetworkStage, openNetworkStage } from '../native/network-stage.ts';

/** A pod with every capability over its own network namespace: what it does there is done from outside, as root. */
let stage: NetworkStage;
let attacker: number | null;
let client: number | null;

beforeEach(async () => {
  stage = await openNetworkStage();
  await stage.network({ name: 'a' });
  const victim = await stage.pod('victim', {});
  ({ pid: attacker } = await stage.pod('attacker', {}));
  ({ pid: client } = await stage.pod('client', {}));
  await stage.answer(victim.pid, 'victim', 8080);
  await stage.answer(attacker, 'attacker', 8080);
});

afterEach(() => stage.close());

const asAttacker = (command: string): Promise<string> =>
  stage.node.run('nsenter', `--net=/proc/${attacker}/ns/net`, 'sh', '-c', command);

describe.each([
  ['filters as the node has it', 'true'],
  ['does not filter', 'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables || true'],
])('on a bridge that %s, a pod that claims its neighbour’s', (_, setting) => {
  beforeEach(async () => {
    await stage.node.run('sh', '-c', `[ ! -d /proc/sys/net/bridge ] || ${setting}`);
    await stage.network({ name: 'a' });
  });

  test.each([
    ['address', 'ip addr add 10.1.0.2/32 dev eth0'],
    ['MAC address', 'ip link set eth0 address 02:48:0a:01:00:02'],
    [
      'addresses both',
      'ip link set eth0 address 02:48:0a:01:00:02; ip addr flush dev eth0; ip addr add 10.1.0.2/32 dev eth0; ip route add default via 10.1.0.1 dev eth0 onlink',
    ],
  ])('%s neither receives nor sends as it', async (_, command) => {
    await stage.answer(client, 'client', 9090);
    await asAttacker(command);
    expect(await stage.ask(client, 'tcp', '10.1.0.2', 8080)).toBe('victim to 10.1.0.4');
    expect(await stage.askInVain(attacker, 'udp', '10.1.0.4', 9090)).not.toContain('10.1.0.2');
    expect(await stage.ask(client, 'tcp', '10.1.0.2', 8080)).toBe('victim to 10.1.0.4');
  });
});

test('no pod reaches the address of the machine’s metadata', async () => {
  await stage.node.run('ip', 'addr', 'add', '169.254.169.254/32', 'dev', 'lo');
  await stage.answer(stage.node.pid, 'metadata', 80);
  expect(await stage.ask(stage.node.pid, 'tcp', '169.254.169.254', 80)).toMatch(/^metadata/);
  expect(await stage.askInVain(attacker, 'tcp', '169.254.169.254', 80)).toBe('none');
});
