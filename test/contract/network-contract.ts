import { describe, expect, test } from '@jest/globals';
import type { BridgedNetwork, NetworkSpec, ObservedSandbox, TrafficRules } from '../../native/index.ts';
import { type ContractStage, until } from './contract-stage.ts';

const NET: NetworkSpec = { name: 'front', subnet4: '10.1.0.0/29', subnet6: 'fd42:1::/64', isOutbound: true };
const PORT = { protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 } as const;
const on = (changes: Partial<BridgedNetwork> = {}): BridgedNetwork => ({
  type: 'bridge',
  networks: [{ name: NET.name, aliases: ['web'] }],
  ports: [],
  ...changes,
});

/** What the contract says about networks and the sandboxes on them. */
export function networkContract(stage: ContractStage): void {
  describe('createNetwork', () => {
    test('makes one that is observed as it was asked for, once', async () => {
      await stage.backend.createNetwork(NET);
      await stage.backend.createNetwork(NET);
      expect((await stage.backend.observe()).networks).toEqual([{ ...NET, state: 'ready' }]);
      expect((await (await stage.ground.reopen()).observe()).networks).toEqual([{ ...NET, state: 'ready' }]);
    });

    test('changes one that nobody is on', async () => {
      const changed = { ...NET, subnet4: '10.2.0.0/24', subnet6: null, isOutbound: false };
      await stage.backend.createNetwork(NET);
      await stage.backend.createNetwork(changed);
      expect((await stage.backend.observe()).networks).toEqual([{ ...changed, state: 'ready' }]);
      await stage.backend.createSandbox({ ...stage.sandbox, network: on() });
      await expect(stage.backend.createNetwork(NET)).rejects.toMatchObject({ code: 'in-use' });
      expect((await stage.backend.observe()).networks).toEqual([{ ...changed, state: 'ready' }]);
    });

    test('opens and closes the way out under those that are on it', async () => {
      await stage.backend.createNetwork(NET);
      await stage.backend.createSandbox({ ...stage.sandbox, network: on() });
      await stage.backend.createNetwork({ ...NET, isOutbound: false });
      expect((await stage.backend.observe()).networks).toEqual([{ ...NET, isOutbound: false, state: 'ready' }]);
      expect(await stage.observedSandbox()).toMatchObject({ state: 'ready' });
    });

    test.each<[string, Partial<NetworkSpec>]>([
      ['a path for a name', { name: '../a' }],
      ['no subnet', { subnet4: '' }],
      ['an address within the range', { subnet4: '10.1.0.1/24' }],
      ['a range without room', { subnet4: '10.1.0.0/30' }],
      ['an IPv6 range for IPv4', { subnet4: 'fd42::/64' }],
      ['a public IPv6 range', { subnet6: '2001:db8::/64' }],
    ])('refuses %s', async (_, changes) => {
      await expect(stage.backend.createNetwork({ ...NET, ...changes })).rejects.toMatchObject({ code: 'invalid-spec' });
      expect((await stage.backend.observe()).networks).toEqual([]);
    });

    test('refuses addresses another network has', async () => {
      await stage.backend.createNetwork(NET);
      const other = { ...NET, name: 'back', subnet6: null, subnet4: '10.0.0.0/8' };
      await expect(stage.backend.createNetwork(other)).rejects.toMatchObject({ code: 'invalid-spec' });
      expect((await stage.backend.observe()).networks.map(({ name }) => name)).toEqual([NET.name]);
    });
  });

  describe('removeNetwork', () => {
    test('waits for the last sandbox on it', async () => {
      await stage.backend.createNetwork(NET);
      await stage.backend.createSandbox({ ...stage.sandbox, network: on() });
      await expect(stage.backend.removeNetwork(NET.name)).rejects.toMatchObject({ code: 'in-use' });
      await stage.backend.removeSandbox(stage.sandbox.id);
      await stage.backend.removeNetwork(NET.name);
      await stage.backend.removeNetwork(NET.name);
      expect(await stage.backend.observe()).toEqual({
        networks: [],
        traffic: { guards: [], allowed: [], services: [] },
        sandboxes: [],
        strangers: [],
      });
    });
  });

  describe('applyTraffic', () => {
    const rules: TrafficRules = {
      guards: [{ sandbox: 'gone', directions: ['egress'] }],
      allowed: [
        { direction: 'egress', subjects: ['gone'], peers: null, ports: [{ protocol: 'tcp', first: 1, last: 2 }] },
      ],
      services: [
        {
          ...{ name: 'shop_web', names: ['web', 'web.shop'], networks: [NET.name], isHeadless: false },
          ports: [{ protocol: 'tcp', port: 80 }],
          backends: [{ sandbox: 'gone', ports: [8080] }],
        },
      ],
    };
    const none: TrafficRules = { guards: [], allowed: [], services: [] };

    test('is observed as it was asked for, until the last network is gone', async () => {
      await stage.backend.applyTraffic(rules);
      expect((await stage.backend.observe()).traffic).toEqual(none);
      await stage.backend.createNetwork(NET);
      await stage.backend.applyTraffic(rules);
      await stage.backend.applyTraffic(rules);
      expect((await (await stage.ground.reopen()).observe()).traffic).toEqual(rules);
      await stage.backend.removeNetwork(NET.name);
      expect((await stage.backend.observe()).traffic).toEqual(none);
    });

    test('gives a service an address that no sandbox gets', async () => {
      await stage.backend.createNetwork(NET);
      await stage.backend.applyTraffic(rules);
      await withOthers(stage, [on(), on(), on(), on()], async () => {
        await expect(stage.backend.createSandbox({ ...stage.sandbox, network: on() })).rejects.toMatchObject({
          code: 'no-resources',
        });
      });
    });

    test('guards a sandbox in place of what it was born with', async () => {
      await stage.backend.createNetwork(NET);
      await stage.backend.createSandbox({ ...stage.sandbox, network: on({ guards: ['ingress'] }) });
      expect((await stage.observedSandbox())?.guards).toEqual(['ingress']);
      const { id: sandbox } = stage.sandbox;
      await stage.backend.applyTraffic({ ...none, guards: [{ sandbox, directions: ['egress'] }] });
      expect((await stage.observedSandbox())?.guards).toEqual(['egress']);
      await stage.backend.applyTraffic(none);
      expect((await stage.observedSandbox())?.guards).toEqual(['ingress']);
    });

    test.each<[string, Partial<TrafficRules>]>([
      ['a path for a sandbox', { guards: [{ sandbox: '../a', directions: [] }] }],
      ['a service twice', { services: [...rules.services, ...rules.services] }],
      ['a name with a line end', { services: rules.services.map((one) => ({ ...one, names: ['a\nb'] })) }],
      ['port 0', { services: rules.services.map((one) => ({ ...one, ports: [{ protocol: 'tcp', port: 0 }] })) }],
      [
        'ports backwards',
        { allowed: rules.allowed.map((one) => ({ ...one, ports: [{ protocol: 'tcp', first: 2, last: 1 }] })) },
      ],
      [
        'addresses of two families',
        {
          allowed: rules.allowed.map((one) => ({
            ...one,
            peers: { sandboxes: [], ranges: [{ first: '10.0.0.1', last: 'fd42::1' }] },
          })),
        },
      ],
    ])('refuses %s', async (_, changes) => {
      await stage.backend.createNetwork(NET);
      const attempt = stage.backend.applyTraffic({ ...rules, ...changes });
      await expect(attempt).rejects.toMatchObject({ code: 'invalid-spec' });
      expect((await stage.backend.observe()).traffic).toEqual(none);
    });
  });

  describe('a sandbox on a network', () => {
    test('gets the lowest free address of each', async () => {
      await stage.backend.createNetwork(NET);
      await stage.backend.createNetwork({ ...NET, name: 'back', subnet4: '10.2.0.0/24', subnet6: null });
      const networks = [
        { name: 'back', aliases: [] },
        { name: NET.name, aliases: [] },
      ];
      await withOthers(stage, [on(), on()], async ([first]) => {
        await stage.backend.removeSandbox(first as string);
        await stage.backend.createSandbox({ ...stage.sandbox, network: on({ networks }) });
        expect((await stage.observedSandbox())?.addresses).toEqual([
          { network: 'back', ipv4: '10.2.0.2', ipv6: null },
          { network: NET.name, ipv4: '10.1.0.2', ipv6: 'fd42:1::2' },
        ]);
      });
    });

    test('is given back a card that somebody took away, and goes on', async () => {
      await stage.backend.createNetwork(NET);
      await stage.backend.createSandbox({ ...stage.sandbox, network: on({ ports: [PORT] }) });
      const before = (await stage.observedSandbox()) as ObservedSandbox;
      await stage.ground.unplug(before);
      const { differences = [] } = (await stage.observedSandbox()) ?? {};
      expect(differences).toContainEqual({ field: 'eth0', expected: 'there', found: 'missing' });
      await stage.backend.reconnectSandbox(stage.sandbox.id);
      await stage.backend.reconnectSandbox(stage.sandbox.id);
      expect(await stage.observedSandbox()).toEqual(before);
      await stage.ground.killSandbox(before);
      await until(async () => (await stage.observedSandbox())?.state === 'dead');
      await expect(stage.backend.reconnectSandbox(stage.sandbox.id)).rejects.toMatchObject({ code: 'not-found' });
    });

    test('is refused an unknown network, a taken port and an address where none is left', async () => {
      const sandbox = { ...stage.sandbox, network: on({ ports: [PORT] }) };
      await expect(stage.backend.createSandbox(sandbox)).rejects.toMatchObject({ code: 'not-found' });
      await stage.backend.createNetwork(NET);
      const taken = { ...PORT, hostIp: '127.0.0.1' };
      await withOthers(stage, [on({ ports: [taken] }), on(), on(), on()], async () => {
        await expect(stage.backend.createSandbox(sandbox)).rejects.toMatchObject({ code: 'in-use' });
        await stage.backend.createSandbox({ ...stage.sandbox, network: on({ ports: [{ ...PORT, protocol: 'udp' }] }) });
        const late = { ...stage.sandbox, id: `${stage.sandbox.id}-late`, network: on() };
        await expect(stage.backend.createSandbox(late)).rejects.toMatchObject({ code: 'no-resources' });
        expect(await stage.observedSandbox()).toMatchObject({ state: 'ready' });
      });
    });

    test.each<[string, Partial<BridgedNetwork>]>([
      ['no network', { networks: [] }],
      ['a network twice', { networks: [...on().networks, ...on().networks] }],
      ['an alias that is no name', { networks: [{ name: NET.name, aliases: ['a b'] }] }],
      ['port 0', { ports: [{ ...PORT, hostPort: 0 }] }],
      ['a port above the last', { ports: [{ ...PORT, containerPort: 65_536 }] }],
      ['a port twice', { ports: [PORT, { ...PORT, hostIp: '127.0.0.1' }] }],
      ['no address', { ports: [{ ...PORT, hostIp: 'localhost' }] }],
      ['every address in words', { ports: [{ ...PORT, hostIp: '0.0.0.0' }] }],
      ['the IPv6 loopback', { ports: [{ ...PORT, hostIp: '::1' }] }],
    ])('is refused with %s', async (_, changes) => {
      await stage.backend.createNetwork(NET);
      const network = on(changes);
      await expect(stage.backend.createSandbox({ ...stage.sandbox, network })).rejects.toMatchObject({
        code: 'invalid-spec',
      });
      expect((await stage.backend.observe()).sandboxes).toEqual([]);
    });
  });
}

async function withOthers(
  stage: ContractStage,
  networks: readonly BridgedNetwork[],
  task: (ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const ids = networks.map((_, i) => `${stage.sandbox.id}-${i}`);
  try {
    for (const [i, network] of networks.entries())
      await stage.backend.createSandbox({ ...stage.sandbox, id: ids[i] as string, network });
    await task(ids);
  } finally {
    for (const id of ids) await stage.backend.removeSandbox(id);
  }
}
