import { once } from 'node:events';
import { type BenchNode, benchContainer, benchPod, createBenchNode } from './bench-node.ts';
import { processesOf, readMemory } from './proc-memory.ts';
import { type BenchGroup, type Measurement, measurement, timed } from './report.ts';

const PODS = 100;
const ROUNDS = 40;

/** A hundred pods: what one more costs, what they hold, and what asking about them takes. */
export const manyPods: BenchGroup = {
  name: 'pods',
  title: `${PODS} pods of one container each`,
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
  const { backend } = node;
  const started: number[] = [];
  for (let pod = 0; pod < PODS; pod++) {
    const id = `pod-${pod}`;
    started.push(
      await timed(async () => {
        await backend.createSandbox(benchPod(id));
        await backend.startContainer(benchContainer(node, id, ['/bin/sleep', '1000']));
      }),
    );
  }
  const idle = await measureIdle(node);
  const asked = await measureAsking(node);
  const stopped: number[] = [];
  for (let pod = 0; pod < PODS; pod++) stopped.push(await timed(() => backend.removeSandbox(`pod-${pod}`)));
  return [...growth('start', started), ...idle, ...asked, ...growth('remove', stopped)];
}

/** The first tenth beside the last: what is there already must not slow down what comes. */
function growth(what: string, samples: readonly number[]): readonly Measurement[] {
  const tenth = PODS / 10;
  const first = measurement(`${what} each of the first ${tenth} pods and containers`, 'ms', samples.slice(0, tenth));
  const last = samples.slice(-tenth);
  return [
    first,
    measurement(`${what} each of the last ${tenth}`, 'ms', last, [{ name: 'the first', measured: first }]),
    measurement(`${what} all ${PODS}, one after the other`, 'ms', [samples.reduce((sum, each) => sum + each, 0)]),
  ];
}

async function measureIdle(node: BenchNode): Promise<readonly Measurement[]> {
  const sum = async (name: string): Promise<number> => {
    const pids = await processesOf(name, node.cgroupRoot);
    const all = await Promise.all(pids.map(async (pid) => (await readMemory(pid)).pss));
    return all.reduce((total, each) => total + each, 0);
  };
  const [shims, holders] = [await sum('holdfast-shim'), await sum('holdfast-pod')];
  return [
    measurement(`memory of ${PODS} idle pods beyond their containers' own: shims (PSS)`, 'MB', [shims / 1024]),
    measurement('the same: processes that hold the namespaces (PSS)', 'MB', [holders / 1024]),
  ];
}

async function measureAsking({ backend }: BenchNode): Promise<readonly Measurement[]> {
  const ref = { sandboxId: 'pod-0', name: 'main' };
  const samples = { stats: [] as number[], look: [] as number[], exec: [] as number[], whole: [] as number[] };
  await backend.observe();
  for (let round = 0; round < ROUNDS; round++) {
    samples.stats.push(await timed(() => backend.statsOfAll()));
    samples.look.push(await timed(() => backend.observe()));
    const begun = performance.now();
    const session = await backend.execContainer(ref, { args: ['/bin/true'] });
    samples.exec.push(performance.now() - begun);
    session.stdout.resume();
    session.stderr.resume();
    await session.exited;
    samples.whole.push(performance.now() - begun);
    if (!session.stdout.readableEnded) await once(session.stdout, 'end');
  }
  return [
    measurement(`statistics of ${PODS} containers`, 'ms', samples.stats),
    measurement(`idle look at ${PODS} pods`, 'ms', samples.look),
    measurement('exec of /bin/true in a container: to exec', 'ms', samples.exec),
    measurement('exec of /bin/true in a container: to its exit status', 'ms', samples.whole),
  ];
}
