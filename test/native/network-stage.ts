import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BridgedNetwork, NetworkSpec, ObservedSandbox } from '../../native/index.ts';
import { type NetworkNamespace, openNetworkNamespace } from '../world/network-namespace.ts';
import { patience } from '../world/patience.ts';
import { type Program, startProgram } from '../world/program.ts';
import { type ContainerStage, openContainerStage } from './container-stage.ts';

const run = promisify(execFile);

/** Nothing is asked this long unless the test fails; NetworkNamespace gives a command up after more. */
const ANSWER_MS = patience(8_000);

/** Programs that talk over a network, in `c/`. */
type Talker = 'ask' | 'answer';

type Protocol = 'tcp' | 'udp';

/** A stage whose networks are made in a network namespace of its own: the node. It has an outside beyond it. */
export interface NetworkStage extends ContainerStage {
  readonly node: NetworkNamespace;
  /** A machine beyond the node's uplink, with addresses {@link OUTSIDE}. */
  readonly outside: NetworkNamespace;
  network(changes: Partial<NetworkSpec> & { readonly name: string }): Promise<void>;
  /** A sandbox on networks. */
  pod(id: string, network: Partial<BridgedNetwork>): Promise<ObservedSandbox>;
  /** Has somebody answer on a port of that network namespace. */
  answer(pid: number | null, name: string, port: number): Promise<void>;
  /** @returns the answer that a program in that network namespace gets, `refused`, or `none` after long. */
  ask(pid: number | null, protocol: Protocol, host: string, port: number): Promise<string>;
  /** @returns the same, but waits no longer than it takes to see that nothing comes. */
  askInVain(pid: number | null, protocol: Protocol, host: string, port: number): Promise<string>;
}

export const OUTSIDE = { ipv4: '192.0.2.2', ipv6: '2001:db8::2' } as const;
export const NODE = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' } as const;

/** Opens a stage with no network and no sandbox. */
export async function openNetworkStage(): Promise<NetworkStage> {
  const node = await openNetworkNamespace();
  const outside = await openNetworkNamespace();
  await connectNamespaces(node, outside);
  const stage = await openContainerStage({ networkNamespace: node.path });
  const programs: Program[] = [];
  const talkers = {
    ask: await buildTalker('ask', stage.directory),
    answer: await buildTalker('answer', stage.directory),
  };
  const inside = (pid: number | null, args: readonly string[]) => ({
    command: 'nsenter',
    args: [`--net=/proc/${pid}/ns/net`, ...args],
  });
  const ask = (pid: number | null, ...question: readonly string[]): Promise<string> => {
    const { command, args } = inside(pid, [talkers.ask, ...question]);
    return node.run(command, ...args);
  };
  return {
    ...stage,
    node,
    outside,
    network: (changes) =>
      stage.backend.createNetwork({ subnet4: '10.1.0.0/24', subnet6: 'fd42:1::/64', isOutbound: true, ...changes }),
    pod: async (id, network) => {
      const bridged: BridgedNetwork = { type: 'bridge', networks: [{ name: 'a', aliases: [] }], ports: [], ...network };
      await stage.sandbox({ id, hostname: id, network: bridged });
      const { sandboxes } = await stage.backend.observe();
      return sandboxes.find((sandbox) => sandbox.id === id) as ObservedSandbox;
    },
    answer: async (pid, name, port) => {
      programs.push(await startProgram({ ...inside(pid, [talkers.answer, name, String(port)]), ready: /ready/ }));
    },
    ask: (pid, protocol, host, port) => ask(pid, protocol, host, String(port), String(ANSWER_MS)),
    askInVain: (pid, protocol, host, port) => ask(pid, protocol, host, String(port), '300'),
    close: async () => {
      for (const program of programs) await program.kill();
      await stage.close();
      await node.close();
      await outside.close();
    },
  };
}

/** Compiles one of them, for it starts at once on a machine that takes long to start Node. @returns its path */
export async function buildTalker(name: Talker, directory: string): Promise<string> {
  const program = join(directory, name);
  await run('musl-gcc', ['-static', '-o', program, fileURLToPath(new URL(`./c/${name}.c`, import.meta.url))]);
  return program;
}

/** A cable between the two, and no way back to the pods for the outside: it knows only the node. */
export async function connectNamespaces(node: NetworkNamespace, outside: NetworkNamespace): Promise<void> {
  await node.run('ip', 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(outside.pid));
  for (const [namespace, card, ipv4, ipv6] of [
    [node, 'uplink', NODE.ipv4, NODE.ipv6],
    [outside, 'eth0', OUTSIDE.ipv4, OUTSIDE.ipv6],
  ] as const) {
    await namespace.run('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${card}/accept_dad`);
    await namespace.run('ip', 'addr', 'add', `${ipv4}/24`, 'dev', card);
    await namespace.run('ip', 'addr', 'add', `${ipv6}/64`, 'dev', card, 'nodad');
    await namespace.run('ip', 'link', 'set', card, 'up');
  }
}
