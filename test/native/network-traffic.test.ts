import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openNetworkNamespace } from '../world/network-namespace.ts';
import { type NetworkStage, NODE, OUTSIDE, openNetworkStage } from './network-stage.ts';

let stage: NetworkStage;

beforeEach(async () => {
  stage = await openNetworkStage();
});

afterEach(() => stage.close());

const ADDRESSES = { web: '10.1.0.2', web6: 'fd42:1::2', client: '10.1.0.3', client6: 'fd42:1::3' } as const;

describe('pods on one network', () => {
  test('reach each other by address and name', async () => {
    await stage.network({ name: 'a' });
    const web = await stage.pod('web', { networks: [{ name: 'a', aliases: ['shop', 'shop.local'] }] });
    expect(web.addresses).toEqual([{ network: 'a', ipv4: ADDRESSES.web, ipv6: ADDRESSES.web6 }]);
    const client = await stage.pod('client', {});
    await stage.answer(web.pid, 'web', 8080);
    const to4 = `web to ${ADDRESSES.client}`;
    expect(await stage.ask(client.pid, 'tcp', ADDRESSES.web, 8080)).toBe(to4);
    expect(await stage.ask(client.pid, 'udp', ADDRESSES.web, 8080)).toBe(to4);
    expect(await stage.ask(client.pid, 'tcp', ADDRESSES.web6, 8080)).toBe(`web to ${ADDRESSES.client6}`);
    const script =
      'for n in web shop shop.local client; do wget -q -O - http://$n:8080 2>&1; nc $n 8080 </dev/null; echo; done; cat /etc/hosts; echo x >> /etc/hosts || echo refused';
    const { stdout } = await stage.run(script, { sandboxId: 'client' });
    expect(stdout).toContain('refused');
    expect(stdout.filter((line) => line === to4).length).toBe(3);
    expect(stdout).toContain(`${ADDRESSES.web}\tweb shop shop.local`);
  });

  test('know of those that come and go while they run', async () => {
    await stage.network({ name: 'a' });
    await stage.pod('first', {});
    const spec = stage.spec(
      'until grep -q late /etc/hosts; do sleep 0.02; done; while grep -q late /etc/hosts; do sleep 0.02; done; cat /etc/hosts',
      { sandboxId: 'first' },
    );
    await stage.backend.startContainer(spec);
    await stage.pod('late', {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    await stage.reopen();
    await stage.backend.removeSandbox('late');
    expect((await stage.exited()).code).toBe(0);
  });
});

describe('pods on different networks', () => {
  test('do not reach each other, except through a published port', async () => {
    await stage.network({ name: 'a' });
    await stage.network({ name: 'b', subnet4: '10.2.0.0/24', subnet6: 'fd42:2::/64' });
    const ports = [{ protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 }] as const;
    const web = await stage.pod('web', { ports });
    const other = await stage.pod('other', { networks: [{ name: 'b', aliases: [] }] });
    await stage.answer(web.pid, 'web', 8080);
    expect(await stage.askInVain(other.pid, 'tcp', ADDRESSES.web, 8080)).toBe('none');
    expect(await stage.askInVain(other.pid, 'tcp', ADDRESSES.web6, 8080)).toBe('none');
    expect(await stage.ask(other.pid, 'tcp', NODE.ipv4, 80)).toBe('web to 10.2.0.2');
    const both = await stage.pod('both', {
      networks: [
        { name: 'b', aliases: [] },
        { name: 'a', aliases: [] },
      ],
    });
    expect(both.addresses.map(({ ipv4 }) => ipv4)).toEqual(['10.2.0.3', ADDRESSES.client]);
    expect(await stage.ask(both.pid, 'tcp', ADDRESSES.web, 8080)).toBe(`web to ${ADDRESSES.client}`);
  });
});

describe('a published port', () => {
  test('is reachable from outside, the node and its loopback', async () => {
    await stage.network({ name: 'a' });
    const port = { hostIp: null, hostPort: 80, containerPort: 8080 };
    const web = await stage.pod('web', {
      ports: [
        { ...port, protocol: 'tcp' },
        { ...port, protocol: 'udp' },
      ],
    });
    await stage.answer(web.pid, 'web', 8080);
    const { pid: node } = stage.node;
    const { pid: outside } = stage.outside;
    expect(await stage.ask(outside, 'tcp', NODE.ipv4, 80)).toBe(`web to ${OUTSIDE.ipv4}`);
    expect(await stage.ask(outside, 'udp', NODE.ipv4, 80)).toBe(`web to ${OUTSIDE.ipv4}`);
    expect(await stage.ask(outside, 'tcp', NODE.ipv6, 80)).toBe(`web to ${OUTSIDE.ipv6}`);
    expect(await stage.ask(node, 'tcp', NODE.ipv4, 80)).toMatch(/^web to /);
    expect(await stage.ask(node, 'tcp', '127.0.0.1', 80)).toBe('web to 10.1.0.1');
    expect(await stage.ask(node, 'udp', '127.0.0.1', 80)).toBe('web to 10.1.0.1');
    expect(await stage.ask(node, 'tcp', NODE.ipv6, 80)).toMatch(/^web to /);
    expect(await stage.ask(node, 'tcp', '::1', 80)).toBe('refused');
    expect(await stage.ask(outside, 'tcp', NODE.ipv4, 81)).toBe('refused');
  });

  test('is reachable from its own network, the pod itself included', async () => {
    await stage.network({ name: 'a' });
    const web = await stage.pod('web', {
      ports: [{ protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 }],
    });
    const mate = await stage.pod('mate', {});
    await stage.answer(web.pid, 'web', 8080);
    expect(await stage.ask(mate.pid, 'tcp', NODE.ipv4, 80)).toBe(`web to ${ADDRESSES.client}`);
    // Where br_netfilter has bridges filter as routers do, a bridge sends nothing back to where it came from.
    await stage.node.run('sh', '-c', 'cd /proc/sys/net/bridge 2>/dev/null && echo 0 > bridge-nf-call-iptables || true');
    await stage.network({ name: 'a' });
    expect(await stage.ask(mate.pid, 'tcp', NODE.ipv4, 80)).toBe(`web to ${ADDRESSES.client}`);
    expect(await stage.ask(web.pid, 'tcp', NODE.ipv4, 80)).toBe('web to 10.1.0.1');
  });

  test('of one address is none of the others', async () => {
    await stage.network({ name: 'a' });
    const ports = [
      { protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 80, containerPort: 8080 },
      { protocol: 'tcp', hostIp: NODE.ipv6, hostPort: 81, containerPort: 8080 },
    ] as const;
    const web = await stage.pod('web', { ports });
    await stage.answer(web.pid, 'web', 8080);
    expect(await stage.ask(stage.node.pid, 'tcp', '127.0.0.1', 80)).toBe('web to 10.1.0.1');
    expect(await stage.ask(stage.outside.pid, 'tcp', NODE.ipv4, 80)).toBe('refused');
    expect(await stage.ask(stage.outside.pid, 'tcp', NODE.ipv6, 81)).toBe(`web to ${OUTSIDE.ipv6}`);
    expect(await stage.ask(stage.node.pid, 'tcp', '127.0.0.1', 81)).toBe('refused');
  });

  test('is free again once its pod is gone', async () => {
    await stage.network({ name: 'a' });
    const ports = [{ protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 }] as const;
    await stage.pod('web', { ports });
    await expect(stage.pod('rival', { ports })).rejects.toMatchObject({ code: 'in-use' });
    await stage.backend.removeSandbox('web');
    const rival = await stage.pod('rival', { ports });
    await stage.answer(rival.pid, 'rival', 8080);
    expect(await stage.ask(stage.outside.pid, 'tcp', NODE.ipv4, 80)).toBe(`rival to ${OUTSIDE.ipv4}`);
  });
});

describe('a network', () => {
  test('with a way out hides its pods behind the node, and lets nobody in', async () => {
    await stage.network({ name: 'a' });
    const pod = await stage.pod('pod', {});
    await stage.answer(stage.outside.pid, 'outside', 80);
    await stage.answer(pod.pid, 'pod', 80);
    expect(await stage.ask(pod.pid, 'tcp', OUTSIDE.ipv4, 80)).toBe(`outside to ${NODE.ipv4}`);
    expect(await stage.ask(pod.pid, 'udp', OUTSIDE.ipv4, 80)).toBe(`outside to ${NODE.ipv4}`);
    expect(await stage.ask(pod.pid, 'tcp', OUTSIDE.ipv6, 80)).toBe(`outside to ${NODE.ipv6}`);
    await stage.outside.run('ip', 'route', 'add', '10.1.0.0/24', 'via', NODE.ipv4);
    expect(await stage.askInVain(stage.outside.pid, 'tcp', ADDRESSES.web, 80)).toBe('none');
    expect(await stage.ask(stage.node.pid, 'tcp', ADDRESSES.web, 80)).toBe('pod to 10.1.0.1');
  });

  test('without a way out keeps its pods from the outside and the node, and still publishes', async () => {
    await stage.network({ name: 'a', isOutbound: false });
    const ports = [{ protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 }] as const;
    const web = await stage.pod('web', { ports });
    const mate = await stage.pod('mate', {});
    await stage.answer(web.pid, 'web', 8080);
    await stage.answer(stage.outside.pid, 'outside', 8080);
    await stage.answer(stage.node.pid, 'node', 9090);
    expect(await stage.askInVain(mate.pid, 'tcp', OUTSIDE.ipv4, 8080)).toBe('none');
    expect(await stage.askInVain(mate.pid, 'tcp', OUTSIDE.ipv6, 8080)).toBe('none');
    expect(await stage.askInVain(mate.pid, 'tcp', '10.1.0.1', 9090)).toBe('none');
    expect(await stage.askInVain(mate.pid, 'tcp', 'fd42:1::1', 9090)).toBe('none');
    expect(await stage.ask(mate.pid, 'tcp', ADDRESSES.web, 8080)).toBe(`web to ${ADDRESSES.client}`);
    expect(await stage.ask(stage.outside.pid, 'tcp', NODE.ipv4, 80)).toBe(`web to ${OUTSIDE.ipv4}`);
    expect(await stage.ask(stage.outside.pid, 'tcp', NODE.ipv6, 80)).toBe(`web to ${OUTSIDE.ipv6}`);
  });

  test.each([
    ['no router for others', '0', 'none'],
    ['the router it was', '1', `beyond to ${OUTSIDE.ipv4}`],
  ])('makes of the node %s', async (_, before, expected) => {
    const beyond = await openNetworkNamespace();
    try {
      await stage.node.run('sh', '-c', `echo ${before} > /proc/sys/net/ipv4/ip_forward`);
      await stage.network({ name: 'a' });
      const addresses = { here: '198.51.100.1', there: '198.51.100.2' } as const;
      await stage.node.run(
        'ip',
        'link',
        'add',
        'other',
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        `${beyond.pid}`,
      );
      await stage.node.run('ip', 'addr', 'add', `${addresses.here}/24`, 'dev', 'other');
      await beyond.run('ip', 'addr', 'add', `${addresses.there}/24`, 'dev', 'eth0');
      await stage.node.run('ip', 'link', 'set', 'other', 'up');
      await beyond.run('ip', 'link', 'set', 'eth0', 'up');
      await beyond.run('ip', 'route', 'add', 'default', 'via', addresses.here);
      await stage.outside.run('ip', 'route', 'add', '198.51.100.0/24', 'via', NODE.ipv4);
      await stage.answer(beyond.pid, 'beyond', 80);
      const ask = expected === 'none' ? stage.askInVain : stage.ask;
      expect(await ask(stage.outside.pid, 'tcp', addresses.there, 80)).toBe(expected);
    } finally {
      await beyond.close();
    }
  });

  test('lets no pod reach the loopback of the node', async () => {
    await stage.network({ name: 'a' });
    const pod = await stage.pod('pod', {});
    await stage.answer(stage.node.pid, 'node', 9090);
    expect(await stage.ask(pod.pid, 'tcp', '10.1.0.1', 9090)).toBe(`node to ${ADDRESSES.web}`);
    const route = [
      'ip',
      'route',
      'add',
      '127.0.0.1/32',
      'via',
      '10.1.0.1',
      'dev',
      'eth0',
      'onlink',
      'table',
      '5',
    ] as const;
    const inPod = (...args: readonly string[]) => stage.node.run('nsenter', `--net=/proc/${pod.pid}/ns/net`, ...args);
    await inPod(...route);
    await inPod('ip', 'rule', 'add', 'pref', '0', 'to', '127.0.0.1', 'lookup', '5');
    await inPod('ip', 'rule', 'del', 'pref', '0', 'lookup', 'local');
    await inPod('ip', 'rule', 'add', 'pref', '1', 'lookup', 'local');
    await inPod('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet');
    expect(await stage.askInVain(pod.pid, 'udp', '127.0.0.1', 9090)).toBe('none');
  });
});
