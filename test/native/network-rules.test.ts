import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AllowedTraffic, BridgedNetwork, ServiceSpec, TrafficRules } from '../../native/index.ts';
import { MOST_TRAFFIC } from '../../native/network/traffic-weight.ts';
import { type NetworkStage, NODE, OUTSIDE, openNetworkStage } from './network-stage.ts';

let stage: NetworkStage;

beforeEach(async () => {
  stage = await openNetworkStage();
  await stage.network({ name: 'a' });
});

afterEach(() => stage.close());

const rules = (changes: Partial<TrafficRules>): TrafficRules => ({ guards: [], allowed: [], services: [], ...changes });
const from = (changes: Partial<AllowedTraffic>): AllowedTraffic => ({
  ...{ direction: 'ingress', subjects: ['web'], peers: null, ports: null },
  ...changes,
});
const onA = (more: Partial<BridgedNetwork> = {}): Partial<BridgedNetwork> => ({
  networks: [{ name: 'a', aliases: [] }],
  ...more,
});

describe('a guarded pod', () => {
  test('takes part in nothing from its birth on, in the directions it is guarded in', async () => {
    const web = await stage.pod('web', onA({ guards: ['ingress'] }));
    const silent = await stage.pod('silent', onA({ guards: ['egress'] }));
    const free = await stage.pod('free', onA());
    for (const [name, { pid }] of Object.entries({ web, silent, free })) await stage.answer(pid, name, 8080);
    await stage.answer(stage.node.pid, 'node', 9090);
    expect(await stage.askInVain(free.pid, 'tcp', '10.1.0.2', 8080)).toBe('none');
    expect(await stage.askInVain(free.pid, 'tcp', 'fd42:1::2', 8080)).toBe('none');
    expect(await stage.ask(web.pid, 'tcp', '10.1.0.4', 8080)).toBe('free to 10.1.0.2');
    expect(await stage.askInVain(silent.pid, 'udp', '10.1.0.4', 8080)).toBe('none');
    expect(await stage.askInVain(silent.pid, 'tcp', '10.1.0.1', 9090)).toBe('none');
    expect(await stage.ask(free.pid, 'tcp', '10.1.0.3', 8080)).toBe('silent to 10.1.0.4');
    expect(await stage.ask(stage.node.pid, 'tcp', '10.1.0.2', 8080)).toBe('web to 10.1.0.1');
  });

  test.each<[string, Partial<AllowedTraffic>, readonly string[]]>([
    ['everybody', {}, ['client', 'other', 'outside']],
    ['a pod', { peers: { sandboxes: ['client'], ranges: [] } }, ['client']],
    ['a range', { peers: { sandboxes: [], ranges: [{ first: '10.1.0.4', last: '10.1.0.9' }] } }, ['other']],
    ['the outside', { peers: { sandboxes: [], ranges: [{ first: '192.0.2.0', last: '192.0.2.255' }] } }, ['outside']],
    ['its port', { ports: [{ protocol: 'tcp', first: 8000, last: 8080 }] }, ['client', 'other', 'outside']],
    ['another port', { ports: [{ protocol: 'tcp', first: 80, last: 8079 }] }, []],
    ['another protocol', { ports: [{ protocol: 'udp', first: 8080, last: 8080 }] }, []],
    ['somebody unknown', { peers: { sandboxes: ['gone'], ranges: [] } }, []],
  ])('that is open to %s', async (_, allowed, expected) => {
    const ports = [{ protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 }] as const;
    const web = await stage.pod('web', onA({ ports }));
    const client = await stage.pod('client', onA());
    const other = await stage.pod('other', onA());
    await stage.answer(web.pid, 'web', 8080);
    await stage.backend.applyTraffic(
      rules({ guards: [{ sandbox: 'web', directions: ['ingress'] }], allowed: [from(allowed)] }),
    );
    const asking = (who: string) => (expected.includes(who) ? stage.ask : stage.askInVain);
    const answers = {
      client: await asking('client')(client.pid, 'tcp', '10.1.0.2', 8080),
      other: await asking('other')(other.pid, 'tcp', '10.1.0.2', 8080),
      outside: await asking('outside')(stage.outside.pid, 'tcp', NODE.ipv4, 80),
    };
    expect(Object.entries(answers).flatMap(([who, answer]) => (answer === 'none' ? [] : [who]))).toEqual(expected);
    await stage.backend.applyTraffic(rules({ guards: [{ sandbox: 'web', directions: [] }] }));
    expect(await stage.ask(other.pid, 'tcp', '10.1.0.2', 8080)).toBe('web to 10.1.0.4');
  });

  test('may be open to as much as a node holds', async () => {
    const web = await stage.pod('web', onA());
    const client = await stage.pod('client', onA());
    await stage.answer(web.pid, 'web', 8080);
    const ports = Array.from(
      { length: MOST_TRAFFIC.permissions / 2 },
      (_, n) => ({ protocol: 'tcp', first: 8080 - n, last: 8080 - n }) as const,
    );
    const guards = [{ sandbox: 'web', directions: ['ingress'] }] as const;
    await stage.backend.applyTraffic(rules({ guards, allowed: [from({ ports: ports.toReversed() })] }));
    expect((await stage.backend.observe()).networks).toMatchObject([{ name: 'a', state: 'ready' }]);
    expect(await stage.ask(client.pid, 'tcp', '10.1.0.2', 8080)).toBe('web to 10.1.0.3');
    await stage.backend.applyTraffic(rules({ guards, allowed: [from({ ports: ports.slice(1) })] }));
    expect(await stage.askInVain(client.pid, 'tcp', '10.1.0.2', 8080)).toBe('none');
  });

  test('that may go out goes only where it may', async () => {
    const web = await stage.pod('web', onA());
    await stage.answer(stage.outside.pid, 'outside', 80);
    await stage.answer(stage.outside.pid, 'more', 81);
    const peers = { sandboxes: [], ranges: [{ first: OUTSIDE.ipv4, last: OUTSIDE.ipv4 }] };
    const ports = [{ protocol: 'tcp', first: 80, last: 80 }] as const;
    const allowed = [from({ direction: 'egress', peers, ports })];
    await stage.backend.applyTraffic(rules({ guards: [{ sandbox: 'web', directions: ['egress'] }], allowed }));
    expect(await stage.ask(web.pid, 'tcp', OUTSIDE.ipv4, 80)).toBe(`outside to ${NODE.ipv4}`);
    expect(await stage.askInVain(web.pid, 'tcp', OUTSIDE.ipv4, 81)).toBe('none');
    expect(await stage.askInVain(web.pid, 'tcp', OUTSIDE.ipv6, 80)).toBe('none');
  });

  test('opens itself to no one who takes over the address of a peer', async () => {
    const web = await stage.pod('web', onA());
    await stage.pod('client', onA());
    await stage.answer(web.pid, 'web', 8080);
    const guards = [{ sandbox: 'web', directions: ['ingress'] }] as const;
    await stage.backend.applyTraffic(
      rules({ guards, allowed: [from({ peers: { sandboxes: ['client'], ranges: [] } })] }),
    );
    await stage.backend.removeSandbox('client');
    const heir = await stage.pod('heir', onA());
    expect(heir.addresses).toMatchObject([{ ipv4: '10.1.0.3' }]);
    expect(await stage.askInVain(heir.pid, 'tcp', '10.1.0.2', 8080)).toBe('none');
  });
});

describe('a service', () => {
  const service = (changes: Partial<ServiceSpec> = {}): ServiceSpec => ({
    ...{ name: 'shop_front', names: ['front', 'front.shop'], networks: ['a'], isHeadless: false },
    ...{ ports: [{ protocol: 'tcp', port: 80 }], backends: [] },
    ...changes,
  });
  const backends = ['one', 'two'].map((sandbox) => ({ sandbox, ports: [8080] }));

  test('shares connections out among its backends, under one name and address', async () => {
    const pods = { one: await stage.pod('one', onA()), two: await stage.pod('two', onA()) };
    for (const [name, { pid }] of Object.entries(pods)) await stage.answer(pid, name, 8080);
    const client = await stage.pod('client', onA());
    await stage.backend.applyTraffic(rules({ services: [service({ backends })] }));
    const ask = () => stage.ask(client.pid, 'tcp', '10.1.0.254', 80);
    expect([await ask(), await ask()].sort()).toEqual(['one to 10.1.0.4', 'two to 10.1.0.4']);
    expect(await stage.ask(client.pid, 'tcp', 'fd42:1::fe', 80)).toMatch(/ to fd42:1::4$/);
    expect(await stage.ask(stage.node.pid, 'tcp', '10.1.0.254', 80)).toMatch(/ to 10\.1\.0\.1$/);
    expect(await stage.ask(client.pid, 'tcp', '10.1.0.254', 81)).toBe('refused');
    const { stdout } = await stage.run('wget -q -O - http://front.shop; cat /etc/hosts', { sandboxId: 'client' });
    expect(stdout).toContain('10.1.0.254\tfront front.shop');
    await stage.backend.removeSandbox('one');
    for (let i = 0; i < 2; i += 1) expect(await ask()).toBe('two to 10.1.0.4');
    await stage.backend.applyTraffic(rules({ services: [service()] }));
    expect(await ask()).toBe('refused');
  });

  test('leads a backend to itself too', async () => {
    const one = await stage.pod('one', onA());
    await stage.answer(one.pid, 'one', 8080);
    await stage.backend.applyTraffic(rules({ services: [service({ backends })] }));
    expect(await stage.ask(one.pid, 'tcp', '10.1.0.254', 80)).toBe('one to 10.1.0.1');
  });

  test('that is headless is the names of its backends', async () => {
    await stage.pod('one', onA());
    await stage.pod('client', onA());
    await stage.backend.applyTraffic(rules({ services: [service({ isHeadless: true, ports: [], backends })] }));
    const { stdout } = await stage.run('cat /etc/hosts', { sandboxId: 'client' });
    expect(stdout).toContain('10.1.0.2\tfront front.shop');
    expect(stdout.join()).not.toContain('10.1.0.254');
  });

  test('is of its network alone', async () => {
    await stage.network({ name: 'b', subnet4: '10.2.0.0/24', subnet6: null });
    const one = await stage.pod('one', onA());
    await stage.answer(one.pid, 'one', 8080);
    const stranger = await stage.pod('stranger', { networks: [{ name: 'b', aliases: [] }] });
    await stage.backend.applyTraffic(rules({ services: [service({ backends })] }));
    expect(await stage.askInVain(stranger.pid, 'tcp', '10.1.0.254', 80)).toBe('refused');
  });
});

describe('rules that somebody', () => {
  const observed = async () => (await stage.backend.observe()).networks.map(({ state }) => state);
  const table = () => stage.node.run('sh', '-c', "nft list tables | grep -v filter | cut -d' ' -f3");
  const guards = [{ sandbox: 'web', directions: ['ingress'] }] as const;

  beforeEach(async () => {
    await stage.pod('web', onA());
    await stage.backend.applyTraffic(rules({ guards }));
    expect(await observed()).toEqual(['ready']);
  });

  test.each([
    ['takes away', 'nft flush chain inet $T ingress'],
    ['adds to', 'nft insert rule inet $T forward accept'],
    ['takes an element from', 'nft flush set inet $T ingress4'],
    ['adds an element to', 'nft add element inet $T egress4 { 10.1.0.9 }'],
  ])('%s are seen and made anew', async (_, command) => {
    const before = await stage.node.run('nft', 'list', 'ruleset');
    await stage.node.run('sh', '-c', `T=${await table()}; ${command}`);
    expect(await observed()).toEqual(['broken']);
    await stage.network({ name: 'a' });
    expect(await observed()).toEqual(['ready']);
    expect(await stage.node.run('nft', 'list', 'ruleset')).toBe(before);
  });

  test('has beside them are none of ours', async () => {
    await stage.node.run('nft', 'add table inet filter { chain input { type filter hook input priority 0; }; }');
    expect(await observed()).toEqual(['ready']);
    expect(await observed()).toEqual(['ready']);
  });
});
