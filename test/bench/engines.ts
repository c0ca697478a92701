import { type BenchNode, benchContainer, benchPod, createBenchNode } from './bench-node.ts';
import { type Engine, openDocker, openPodman } from './peers/engine.ts';
import { openPeerWorld } from './peers/peer-world.ts';
import { processesOf, readMemory } from './proc-memory.ts';
import { type BenchGroup, type GroupResult, type Measurement, measurement, type Peer, timed } from './report.ts';

const ROUNDS = 10;
const NETWORKS = ['none', 'bridge and port'] as const;

/** Whole engines: the way from a command to a running container, without and with a network; and their shims. */
export const engines: BenchGroup = {
  name: 'engines',
  title: 'Pod, container and network, beside container engines',
  run: async () => {
    const node = await createBenchNode();
    const world = await openPeerWorld();
    const opened: Engine[] = [];
    const missing: string[] = [];
    try {
      for (const open of [openPodman, openDocker]) {
        const engine = await open(node, world);
        if (typeof engine === 'string') missing.push(`${open === openPodman ? 'podman' : 'docker'}: ${engine}.`);
        else opened.push(engine);
      }
      const measurements = [...(await measureStarts(node, opened)), ...(await measureShims(node, opened))];
      return { measurements, missing } satisfies GroupResult;
    } finally {
      for (const engine of opened) await engine.close();
      await world.close();
      await node.remove();
    }
  },
};

async function measureStarts(node: BenchNode, opened: readonly Engine[]): Promise<readonly Measurement[]> {
  const { backend } = node;
  await backend.createNetwork({ name: 'bench', subnet4: '10.89.0.0/24', subnet6: null, isOutbound: true });
  const measurements: Measurement[] = [];
  for (const network of NETWORKS) {
    const peers: Peer[] = [];
    for (const engine of opened) {
      const samples: number[] = [];
      for (let round = 0; round < ROUNDS; round++) samples.push(await engine.time(network));
      const measured = measurement(`${engine.name} run --rm /bin/true, network: ${network}`, 'ms', samples);
      peers.push({ name: engine.name, measured });
      measurements.push(measured);
    }
    measurements.push(await measureOurs(node, network, peers));
  }
  return measurements;
}

async function measureOurs(
  node: BenchNode,
  network: (typeof NETWORKS)[number],
  peers: readonly Peer[],
): Promise<Measurement> {
  const ports = [{ protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 18_080, containerPort: 80 }] as const;
  const asked =
    network === 'none' ? 'private' : { type: 'bridge' as const, networks: [{ name: 'bench', aliases: [] }], ports };
  const samples: number[] = [];
  for (let round = 0; round < 2 * ROUNDS; round++) {
    const id = `engine-${round}`;
    samples.push(
      await timed(async () => {
        await node.backend.createSandbox(benchPod(id, asked));
        await node.backend.startContainer(benchContainer(node, id, ['/bin/true']));
      }),
    );
    await node.backend.removeSandbox(id);
  }
  return measurement(`Holdfast: pod and container, network: ${network}`, 'ms', samples, peers);
}

/** As many of each: what processes of one program share counts for each of them by its part. */
const SHIMS_EACH = 5;

/** How engines call the process that outlives them. */
const SHIMS: Readonly<Record<string, string>> = { podman: 'conmon', docker: 'containerd-shim' };

async function measureShims(node: BenchNode, opened: readonly Engine[]): Promise<readonly Measurement[]> {
  const peers: Peer[] = [];
  for (const engine of opened) {
    const ids: string[] = [];
    for (let count = 0; count < SHIMS_EACH; count++) ids.push(await engine.start(['/bin/sleep', '1000']));
    const shim = SHIMS[engine.name] ?? '';
    const pids = await processesOf(shim, node.directory);
    const kilobytes = await Promise.all(pids.map(async (pid) => (await readMemory(pid)).pss));
    peers.push({
      name: shim,
      measured: measurement(`${shim} of ${engine.name}, one of ${SHIMS_EACH}: PSS`, 'kB', kilobytes),
    });
    for (const id of ids) await engine.remove(id);
  }
  for (let count = 0; count < SHIMS_EACH; count++) {
    await node.backend.createSandbox(benchPod(`shim-${count}`));
    await node.backend.startContainer(benchContainer(node, `shim-${count}`, ['/bin/sleep', '1000']));
  }
  const pids = await processesOf('holdfast-shim', node.cgroupRoot);
  const own = await Promise.all(pids.map(async (pid) => (await readMemory(pid)).pss));
  for (let count = 0; count < SHIMS_EACH; count++) await node.backend.removeSandbox(`shim-${count}`);
  return [
    ...peers.flatMap(({ measured }) => measured ?? []),
    measurement(`Holdfast: shim, one of ${SHIMS_EACH}: PSS`, 'kB', own, peers),
  ];
}
