import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BenchNode, benchContainer, benchPod, createBenchNode } from './bench-node.ts';
import { type BenchGroup, type Measurement, measurement, type Peer, timed } from './report.ts';

const run = promisify(execFile);
const ROUNDS = 25;
const HEAP_MB = 500;
const MOUNTS = 500;

/** What the size of the agent and of the node's mount table do to a start. */
export const growth: BenchGroup = {
  name: 'growth',
  title: 'A start on a bigger agent and a bigger node',
  run: async () => {
    const node = await createBenchNode();
    try {
      return { measurements: await measure(node), missing: [] };
    } finally {
      await node.remove();
    }
  },
};

async function measure(node: BenchNode): Promise<readonly Measurement[]> {
  const plain = measurement('start of pod and container', 'ms', await starts(node));
  const peers: readonly Peer[] = [{ name: 'plain', measured: plain }];
  const heap = Array.from({ length: HEAP_MB }, () => Buffer.alloc(1 << 20, 1));
  const heavy = measurement(`the same with ${heap.length} MB more in the agent`, 'ms', await starts(node), peers);
  heap.length = 0;
  const mounted = await mountMany(node);
  try {
    return [
      plain,
      heavy,
      measurement(`the same with ${MOUNTS} more mounts on the node`, 'ms', await starts(node), peers),
    ];
  } finally {
    await run('umount', ['--recursive', mounted]);
  }
}

async function starts({ backend, ...node }: BenchNode): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    samples.push(
      await timed(async () => {
        await backend.createSandbox(benchPod('grown'));
        await backend.startContainer(benchContainer(node, 'grown', ['/bin/true']));
      }),
    );
    await backend.removeSandbox('grown');
  }
  return samples;
}

async function mountMany(node: BenchNode): Promise<string> {
  const top = join(node.directory, 'mounts');
  const script = `mount -t tmpfs bench "$1"; for i in $(seq ${MOUNTS - 1}); do mkdir "$1/$i"; mount -t tmpfs bench "$1/$i"; done`;
  await mkdir(top);
  await run('sh', ['-ec', script, 'sh', top]);
  return top;
}
