import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchNode, benchContainer, benchPod, createBenchNode } from './bench-node.ts';
import { type Engine, openPodman } from './peers/engine.ts';
import { openPeerWorld } from './peers/peer-world.ts';
import { type BenchGroup, measurement, timed } from './report.ts';

const ROUNDS = 5;
const MEGABYTES = 64;
/** Lines of a hundred bytes. */
const SCRIPT = `yes ${'x'.repeat(99)} | head -c ${MEGABYTES}m`;
const POLL_MS = 2;

/** How fast a container's output reaches its log, from the start of the container to its end. */
export const logThroughput: BenchGroup = {
  name: 'logs',
  title: `Log throughput: ${MEGABYTES} MB in lines of 100 bytes, start and end of the container included`,
  run: async () => {
    const node = await createBenchNode();
    const world = await openPeerWorld();
    const podman = await openPodman(node, world);
    try {
      const peer = typeof podman === 'string' ? null : measurement('podman (conmon)', 'MB/s', await ofPodman(podman));
      const peers = [{ name: 'conmon', measured: peer }];
      const own = measurement('Holdfast (shim)', 'MB/s', await ofOurs(node), peers);
      return {
        measurements: peer === null ? [own] : [peer, own],
        missing: typeof podman === 'string' ? [`conmon: podman: ${podman}.`] : [],
      };
    } finally {
      await world.close();
      await node.remove();
    }
  },
};

async function ofPodman(podman: Engine): Promise<readonly number[]> {
  return rates(async () => {
    const id = await podman.start(['/bin/sh', '-c', SCRIPT], '--log-driver k8s-file');
    await podman.wait(id);
    return () => podman.remove(id);
  });
}

async function ofOurs(node: BenchNode): Promise<readonly number[]> {
  const { backend } = node;
  const plain = benchContainer(node, 'log', ['/bin/sh', '-c', SCRIPT]);
  const spec = { ...plain, limits: { ...plain.limits, cpuMillis: null }, log: { ...plain.log, maxBytes: 2 ** 40 } };
  return rates(async () => {
    await backend.createSandbox(benchPod('log'));
    await backend.startContainer(spec);
    while ((await backend.observe()).sandboxes[0]?.containers[0]?.exit == null) await sleep(POLL_MS);
    return () => backend.removeSandbox('log');
  });
}

/** @param round does it once; what it gives back tidies up, untimed. */
async function rates(round: () => Promise<() => Promise<void>>): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    let tidyUp = async (): Promise<void> => undefined;
    const ms = await timed(async () => {
      tidyUp = await round();
    });
    samples.push((MEGABYTES * 1000) / ms);
    await tidyUp();
  }
  return samples;
}
