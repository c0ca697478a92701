import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildTalker, connectNamespaces, NODE } from '../native/network-stage.ts';
import { type Fleet, holds, runningPids, startFleet } from '../world/fleet.ts';
import type { BuiltImage } from '../world/image-builder.ts';
import { type NetworkNamespace, openNetworkNamespace } from '../world/network-namespace.ts';
import type { Program } from '../world/program.ts';

const LIMITS = 'resources: { limits: { cpu: 200m, memory: 32Mi } }';

let fleet: Fleet;
let outside: NetworkNamespace;
let agent: Program | undefined;
let image: BuiltImage;
let talker: string;

beforeEach(async () => {
  fleet = await startFleet();
  outside = await openNetworkNamespace();
  await connectNamespaces(fleet.network, outside);
  image = await fleet.publish('v1');
  talker = await buildTalker('ask', fleet.directory);
});

afterEach(async () => {
  await agent?.stop();
  await outside?.close();
  await fleet?.stop();
});

const web = (answer: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: app
          image: ${image.reference}
          command: [nc, -ll, -p, '8080', -e, echo, ${answer}]
          ports: [{ name: http, containerPort: 8080, hostPort: 80 }]
          ${LIMITS}
`;

const client = (name: string): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: ${name} } }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: app, image: '${image.reference}', ${LIMITS} }]
`;

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: front, namespace: shop }
spec: { selector: { app: web }, ports: [{ port: 8000, targetPort: http }] }
`;

/** The node and the outside may, and of the pods the one called friend. */
const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress:
    - from: [{ podSelector: { matchLabels: { app: friend } } }, { ipBlock: { cidr: 192.0.2.0/24 } }]
      ports: [{ port: http }]
`;

const ask = (from: NetworkNamespace, host: string, patienceMs = 2_000): Promise<string> =>
  from.run(talker, 'tcp', host, '80', String(patienceMs));

async function inPod(pod: string, command: string): Promise<string> {
  const { stdout } = await fleet.holdfast('exec', `shop/${pod}`, '--', '/bin/sh', '-c', command);
  return stdout.trim();
}

/** What everybody gets of the application; nothing where it is not to be had. */
async function answers(): Promise<Readonly<Record<string, string>>> {
  const from = (pod: string) => inPod(pod, 'nc -w 1 front.shop.svc.cluster.local 8000 </dev/null || true');
  return {
    loopback: (await ask(fleet.network, '127.0.0.1')).trim(),
    outside: (await ask(outside, NODE.ipv4)).trim(),
    friend: await from('friend'),
    stranger: await from('stranger'),
  };
}

const settled = (workloads: number) =>
  fleet.until('all runs', (now) => holds(now, 'Synced') && now.workloads.length === workloads);

test('an application is published, named and guarded, without the agent too, and changed by a commit', async () => {
  const pods = { 'friend.yaml': client('friend'), 'stranger.yaml': client('stranger') };
  const rules = { 'service.yaml': SERVICE, 'policy.yaml': POLICY };
  await fleet.author.commit({ files: { 'web.yaml': web('one'), ...pods, ...rules }, message: 'a shop' });
  agent = await fleet.startAgent();
  const before = runningPids(await settled(3));
  const one = { loopback: 'one', outside: 'one', friend: 'one', stranger: '' };
  await untilSame(answers, one);
  expect(await inPod('friend', 'cat /etc/hosts')).toMatch(/^10\.213\.0\.254\tfront front\.shop front\.shop\.svc /m);
  expect((await fleet.holdfast('ps')).stdout).toMatch(/web.*10\.213\.0\.\d+ +\*:80->8080\/tcp/);

  await agent.kill();
  await untilSame(answers, one);
  agent = await fleet.startAgent();
  expect(runningPids(await settled(3))).toEqual(before);

  await fleet.network.run('nft', 'flush', 'ruleset');
  await fleet.until('the rules are back', (now) => holds(now, 'Synced'));
  await untilSame(answers, one);

  const open = POLICY.replace('app: friend', 'app: stranger');
  await fleet.author.commit({ files: { 'policy.yaml': open }, message: 'another friend' });
  await untilSame(answers, { ...one, friend: '', stranger: 'one' });
  expect(runningPids(await settled(3))).toEqual(before);

  await fleet.author.commit({ files: { 'web.yaml': web('two') }, message: 'a new version' });
  await untilSame(answers, { loopback: 'two', outside: 'two', friend: '', stranger: 'two' });
  await settled(3);
}, 600_000);

async function untilSame(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (Date.now() < deadline && JSON.stringify(await read().catch(() => null)) !== JSON.stringify(expected));
  expect(await read()).toEqual(expected);
}
