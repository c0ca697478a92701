import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { desiredTraffic } from '../../../agent/reconcile/networks/desired-traffic.ts';
import { weightOfPermission, weightOfService } from '../../../agent/reconcile/networks/traffic-weight.ts';
import type { DesiredState } from '../../../agent/reconcile/state.ts';
import { MOST_ON_A_NODE } from '../../../manifests/index.ts';
import { checkTraffic } from '../../../native/network/check-traffic.ts';
import * as backend from '../../../native/network/traffic-weight.ts';
import { documents } from '../manifests.ts';
import { createNodeWorld, type NodeWorld } from '../node-world.ts';

let world: NodeWorld;

beforeEach(async () => {
  world = await createNodeWorld();
  world.hasNetworks = true;
});
afterEach(() => world.remove());

const pod = (name: string, port = 8080, labels = `app: ${name}`): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { ${labels} } }
spec:
  containers:
    - { name: app, image: 'reg.test/app:1', ports: [{ name: http, containerPort: ${port} }], resources: { limits: { cpu: 100m, memory: 64Mi } } }
`;
const policy = (spec: string, name = 'guard'): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name} }
spec: ${spec}
`;

async function traffic(...texts: readonly string[]) {
  await world.commit(documents(...texts));
  await world.converge();
  const desired = world.desired();
  const observed = await world.observe();
  const networking = desired.networking as NonNullable<DesiredState['networking']>;
  const idOf = new Map(observed.pods.map(({ id, key }) => [id, key.replace('default/', '')]));
  const { rules, unheld } = desiredTraffic(desired, networking, observed);
  const named = JSON.parse(JSON.stringify(rules), (_, value) =>
    typeof value === 'string' ? (idOf.get(value) ?? value) : value,
  );
  return { rules: named as typeof rules, unheld, desired, networking, observed };
}

const tcp = (first: number, last = first) => ({ protocol: 'tcp', first, last });

describe('a policy', () => {
  test.each<[string, string, readonly unknown[]]>([
    ['that allows nothing', '{ podSelector: { matchLabels: { app: a } } }', []],
    [
      'for everybody',
      '{ podSelector: { matchLabels: { app: a } }, ingress: [{}] }',
      [{ direction: 'ingress', subjects: ['a'], peers: null, ports: null }],
    ],
    [
      'of pods by label, and of a block',
      '{ podSelector: { matchLabels: { app: a } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: b } } }, { ipBlock: { cidr: 192.0.2.0/24 } }] }] }',
      [
        {
          ...{ direction: 'ingress', subjects: ['a'], ports: null },
          peers: { sandboxes: ['b'], ranges: [{ first: '192.0.2.0', last: '192.0.2.255' }] },
        },
      ],
    ],
    [
      'of pods that are not there',
      '{ podSelector: { matchLabels: { app: a } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: x } } }] }] }',
      [],
    ],
    [
      'of ports by number and range',
      '{ podSelector: { matchLabels: { app: a } }, ingress: [{ ports: [{ port: 80 }, { port: 90, endPort: 99 }] }] }',
      [{ direction: 'ingress', subjects: ['a'], peers: null, ports: [tcp(80), tcp(90, 99)] }],
    ],
    [
      'of ports by name: one rule for pods that mean the same by it',
      '{ podSelector: {}, ingress: [{ ports: [{ port: http }] }] }',
      [
        { direction: 'ingress', subjects: ['a', 'b'], peers: null, ports: [tcp(8080)] },
        { direction: 'ingress', subjects: ['c'], peers: null, ports: [tcp(9090)] },
      ],
    ],
    [
      'of the way out to ports by name',
      '{ podSelector: { matchLabels: { app: a } }, egress: [{ to: [{ podSelector: {} }], ports: [{ port: http }] }], policyTypes: [Egress] }',
      [
        { direction: 'egress', subjects: ['a'], peers: { sandboxes: ['a', 'b'], ranges: [] }, ports: [tcp(8080)] },
        { direction: 'egress', subjects: ['a'], peers: { sandboxes: ['c'], ranges: [] }, ports: [tcp(9090)] },
      ],
    ],
  ])('%s', async (_, spec, expected) => {
    const { rules } = await traffic(pod('a'), pod('b'), pod('c', 9090), policy(spec));
    expect(rules.allowed).toEqual(expected);
  });

  test('guards the pods it selects in its directions, and no others', async () => {
    const spec = '{ podSelector: { matchLabels: { app: a } }, policyTypes: [Ingress, Egress] }';
    const { rules } = await traffic(pod('a'), pod('b'), policy(spec));
    expect(rules.guards).toEqual([{ sandbox: 'a', directions: ['ingress', 'egress'] }]);
  });
});

test('a service leads to its ready pods, by the port each means, on the networks they are on', async () => {
  const service = `apiVersion: v1
kind: Service
metadata: { name: front }
spec: { selector: { tier: web }, ports: [{ port: 80, targetPort: http }] }
`;
  const { rules } = await traffic(pod('a', 8080, 'tier: web'), pod('b', 9090, 'tier: web'), pod('c'), service);
  expect(rules.services).toEqual([
    {
      ...{ name: 'default_front', networks: ['default_default'], isHeadless: false },
      names: ['front', 'front.default', 'front.default.svc', 'front.default.svc.cluster.local'],
      ports: [{ protocol: 'tcp', port: 80 }],
      backends: [
        { sandbox: 'a', ports: [8080] },
        { sandbox: 'b', ports: [9090] },
      ],
    },
  ]);
});

test('a policy that is too much is left out as a whole, its pods stay guarded, and the others are held', async () => {
  const wide = '{ podSelector: { matchLabels: { app: a } }, ingress: [{}] }';
  const { rules, desired, networking, observed } = await traffic(pod('a'), policy(wide, 'small'));
  const [small] = networking.policies;
  if (small === undefined) throw new Error('no policy');
  const port = { protocol: 'TCP', port: 1, endPort: null } as const;
  const rule = { peers: null, ports: Array.from({ length: MOST_ON_A_NODE.permissions / 2 }, () => port) };
  const large = { ...small, name: 'large', ingress: [rule, rule] };
  const policies = [large, small];
  const found = desiredTraffic(desired, { ...networking, policies }, observed);
  expect(found.unheld).toEqual(['NetworkPolicy default/large']);
  expect(found.rules.allowed.length).toBe(rules.allowed.length);
  expect(found.rules.guards.length).toBe(1);
});

test('what is held is never more than the backend takes', () => {
  expect(backend.MOST_TRAFFIC).toEqual({
    permissions: MOST_ON_A_NODE.permissions,
    services: MOST_ON_A_NODE.servicePorts,
  });
  const range = fc.constant({ first: '10.0.0.1', last: '10.0.0.2' });
  const permission = fc.record({
    direction: fc.constantFrom('ingress' as const, 'egress' as const),
    subjects: fc.constant(['a']),
    peers: fc.option(fc.record({ sandboxes: fc.array(fc.constant('b'), { maxLength: 2 }), ranges: fc.array(range) })),
    ports: fc.option(fc.array(fc.constant({ protocol: 'tcp' as const, first: 1, last: 2 }))),
  });
  fc.assert(
    fc.property(fc.array(permission), fc.nat(9), (allowed, n) => {
      for (const each of allowed) expect(weightOfPermission(each)).toBe(backend.weightOfPermission(each));
      const service = { networks: Array(n).fill('a'), ports: Array(n).fill({ protocol: 'tcp', port: 1 }) };
      expect(weightOfService(service)).toBe(backend.weightOfService(service));
      const sum = allowed.reduce((total, each) => total + weightOfPermission(each), 0);
      const check = () => checkTraffic({ guards: [], services: [], allowed });
      if (sum <= MOST_ON_A_NODE.permissions) check();
      else expect(check).toThrow(/at most/);
    }),
  );
});
