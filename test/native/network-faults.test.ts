import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { BridgedNetwork, NetworkSpec, SandboxSpec, TrafficRules } from '../../native/index.ts';
import * as library from '../../native/library.ts';
import { until } from '../contract/contract-stage.ts';
import type { KernelGround } from '../contract/kernel-ground.ts';
import { runInNetworkOf } from '../world/network-namespace.ts';
import { createFaultyNetlink } from './faults/faulty-netlink.ts';
import { nodePortrait, podPortrait } from './faults/network-portrait.ts';

const netlink = createFaultyNetlink();
jest.unstable_mockModule('../../native/library.ts', () => netlink.wrap(library));
const { openKernelGround } = await import('../contract/kernel-ground.ts');

/** One errno unless the run asks for others: `HOLDFAST_FAULTS=EIO,ENOMEM,EPERM`. */
const errnoNames = (process.env.HOLDFAST_FAULTS || 'ENOBUFS').split(',');

const FRONT: NetworkSpec = { name: 'front', subnet4: '10.1.0.0/24', subnet6: 'fd42:1::/64', isOutbound: true };
const BACK: NetworkSpec = { name: 'back', subnet4: '10.2.0.0/24', subnet6: null, isOutbound: false };
const BRIDGED: BridgedNetwork = {
  type: 'bridge',
  networks: [FRONT, BACK].map(({ name }) => ({ name, aliases: ['web'] })),
  ports: [
    { protocol: 'tcp', hostIp: null, hostPort: 80, containerPort: 8080 },
    { protocol: 'udp', hostIp: '127.0.0.1', hostPort: 81, containerPort: 8080 },
  ],
  guards: ['ingress'],
};
const POD: SandboxSpec = { id: 'pod', labels: {}, hostname: 'web-0', network: BRIDGED, users: 'private' };
const RULES: TrafficRules = {
  guards: [{ sandbox: 'pod', directions: ['ingress'] }],
  allowed: [
    { direction: 'ingress', subjects: ['pod'], peers: null, ports: [{ protocol: 'tcp', first: 80, last: 81 }] },
  ],
  services: [
    {
      ...{ name: 'shop_web', names: ['web.shop'], networks: ['front'], isHeadless: false },
      ports: [{ protocol: 'tcp', port: 80 }],
      backends: [{ sandbox: 'pod', ports: [8080] }],
    },
  ],
};
/** Enough to see what is wrong; each is waited for. */
const MOST_PROBLEMS = 3;
const NO_RULES: TrafficRules = { guards: [], allowed: [], services: [] };

let ground: KernelGround;

beforeAll(async () => {
  ground = await openKernelGround();
});

afterAll(() => ground.close());

interface Case {
  readonly operation: string;
  /** Brings the node to where the operation begins, from whatever there is. */
  prepare(): Promise<void>;
  run(): Promise<unknown>;
  /** Whether nothing of it may be there after it failed. What is not undone is done by the next look, or the next try. */
  readonly isUndone: boolean;
}

const clear = async (): Promise<void> => {
  await ground.backend.removeSandbox('pod');
  for (const { name } of [FRONT, BACK]) await ground.backend.removeNetwork(name);
};
const makeNetworks = async (): Promise<void> => {
  for (const network of [FRONT, BACK]) await ground.backend.createNetwork(network);
};
const makePod = async (): Promise<void> => {
  await makeNetworks();
  await ground.backend.createSandbox(POD);
};

const CASES: readonly Case[] = [
  {
    operation: 'the first createNetwork',
    prepare: clear,
    run: () => ground.backend.createNetwork(FRONT),
    isUndone: true,
  },
  {
    operation: 'createNetwork beside another with a pod on it',
    prepare: async () => {
      await ground.backend.removeNetwork('back');
      await ground.backend.createNetwork(FRONT);
      const network: BridgedNetwork = { ...BRIDGED, networks: [{ name: 'front', aliases: [] }] };
      await ground.backend.createSandbox({ ...POD, network });
    },
    run: () => ground.backend.createNetwork(BACK),
    isUndone: true,
  },
  {
    operation: 'createSandbox',
    prepare: async () => {
      await ground.backend.removeSandbox('pod');
      await makeNetworks();
      await ground.backend.applyTraffic(RULES);
    },
    run: () => ground.backend.createSandbox(POD),
    isUndone: true,
  },
  {
    operation: 'reconnectSandbox of a card that is gone',
    prepare: async () => {
      await makePod();
      await ground.backend.applyTraffic(NO_RULES);
      await ground.backend.reconnectSandbox('pod');
      const pid = (await ground.backend.observe()).sandboxes[0]?.pid;
      await runInNetworkOf(pid as number)('ip', 'link', 'del', 'eth0');
    },
    run: () => ground.backend.reconnectSandbox('pod'),
    isUndone: false,
  },
  {
    operation: 'applyTraffic',
    prepare: async () => {
      await makePod();
      await ground.backend.applyTraffic(NO_RULES);
    },
    run: () => ground.backend.applyTraffic(RULES),
    isUndone: false,
  },
  {
    operation: 'observe',
    prepare: makePod,
    run: () => ground.backend.observe(),
    isUndone: false,
  },
  {
    operation: 'removeSandbox, of which rules speak',
    prepare: async () => {
      await makePod();
      await ground.backend.applyTraffic(RULES);
    },
    run: () => ground.backend.removeSandbox('pod'),
    isUndone: false,
  },
  {
    operation: 'removeSandbox',
    prepare: async () => {
      await makePod();
      await ground.backend.applyTraffic(NO_RULES);
    },
    run: () => ground.backend.removeSandbox('pod'),
    isUndone: false,
  },
  {
    operation: 'removeNetwork',
    prepare: async () => {
      await ground.backend.removeSandbox('pod');
      await makeNetworks();
    },
    run: () => ground.backend.removeNetwork('back'),
    isUndone: false,
  },
  {
    operation: 'removal of the last network',
    prepare: async () => {
      await clear();
      await ground.backend.createNetwork(FRONT);
    },
    run: () => ground.backend.removeNetwork('front'),
    isUndone: false,
  },
];

describe.each(errnoNames)('a step of the talk with the kernel about networks that fails once with %s', (errnoName) => {
  test.each(CASES)(
    'makes $operation fail by name, and leaves nothing, and the next try succeeds',
    async (each) => {
      await each.prepare();
      const before = await portrait();
      await each.run();
      const flawless = await portrait();
      const problems: string[] = [];
      let nth = 0;
      for (; problems.length < MOST_PROBLEMS; nth += 1) {
        await each.prepare();
        netlink.arm({ nth, errnoName });
        const error = await each.run().then(
          () => null,
          (thrown) => thrown,
        );
        const step = netlink.disarm();
        if (step === null) break;
        const found = await problemsOf(each, { error, before, flawless });
        problems.push(...found.map((problem) => `${step}: ${problem}`));
      }
      expect(problems).toEqual([]);
      expect(nth).toBeGreaterThan(5);
      await clear();
      expect(await ground.leftovers('pod')).toEqual([]);
    },
    300_000,
  );
});

interface Failed {
  readonly error: unknown;
  readonly before: readonly string[];
  readonly flawless: readonly string[];
}

async function problemsOf({ run, isUndone }: Case, { error, before, flawless }: Failed): Promise<readonly string[]> {
  const problems: string[] = [];
  if (error !== null) {
    const { name, code, stage, errno } = error as Record<string, unknown>;
    if (name !== 'BackendError' || typeof code !== 'string' || !stage || !errno) problems.push(`throws ${error}`);
    if (isUndone) problems.push(...(await differences(before)));
    else problems.push(...(await falseSuccess(flawless)));
    const again = await run().then(
      () => null,
      (thrown) => thrown,
    );
    if (again !== null) problems.push(`fails again: ${again}`);
  }
  await heal();
  return [...problems, ...(await differences(flawless))];
}

/** Nobody tries again what is observed as done. */
async function falseSuccess(flawless: readonly string[]): Promise<readonly string[]> {
  const now = await portrait();
  const observed = now.find((line) => line.startsWith('observed'));
  if (observed === undefined || !flawless.includes(observed)) return [];
  return (await differences(flawless)).map((difference) => `is observed as done, but ${difference}`);
}

/** As the next look does. */
async function heal(): Promise<void> {
  for (const { state, ...network } of (await ground.backend.observe()).networks)
    if (state === 'broken') await ground.backend.createNetwork(network);
}

/** A pod's links go a moment after its processes. */
async function differences(expected: readonly string[]): Promise<readonly string[]> {
  let actual: readonly string[] = [];
  const isSame = async (): Promise<boolean> => {
    actual = await portrait();
    return JSON.stringify(actual) === JSON.stringify(expected);
  };
  await until(isSame).catch(() => undefined);
  return [
    ...actual.filter((line) => !expected.includes(line)).map((line) => `leaves ${line}`),
    ...expected.filter((line) => !actual.includes(line)).map((line) => `lacks ${line}`),
  ];
}

async function portrait(): Promise<readonly string[]> {
  const { networks, sandboxes, traffic } = await ground.backend.observe();
  const pod = sandboxes[0]?.pid;
  const descriptors = (await readdir('/proc/self/fd')).length;
  return [
    ...(await nodePortrait(ground.networks)),
    ...(pod == null ? [] : await podPortrait({ run: runInNetworkOf(pod) })),
    `observed ${JSON.stringify({ networks, traffic, sandboxes: sandboxes.map(({ pid, ...sandbox }) => sandbox) })}`,
    `${descriptors} descriptors`,
  ];
}
