import { type BenchNode, benchContainer, benchPod, createBenchNode } from './bench-node.ts';
import {
  CRUN,
  createOciBench,
  NEWEST_CRUN,
  type OciBench,
  type OciRuntime,
  RUNC,
  reasonRuntimeMissing,
} from './peers/oci-runtimes.ts';
import { openPeerWorld, type PeerWorld, reasonMissing } from './peers/peer-world.ts';
import { type BenchGroup, type GroupResult, type Measurement, measurement, type Peer, timed } from './report.ts';

const ROUNDS = 40;

/** Starts the same program by our backend, by OCI runtimes and by bubblewrap, in turns. */
export const containerStart: BenchGroup = {
  name: 'start',
  title: 'Starting one container (all namespaces, user namespace, seccomp, limits), beside runtimes that start no shim',
  run: async () => {
    const node = await createBenchNode();
    const world = await openPeerWorld();
    try {
      return await measure(node, world);
    } finally {
      await world.close();
      await node.remove();
    }
  },
};

interface Contender {
  readonly name: string;
  readonly what: string;
  readonly why: string | null;
  readonly samples: number[];
  time(round: number): Promise<number>;
}

async function measure(node: BenchNode, world: PeerWorld): Promise<GroupResult> {
  const contenders = await contendersOf(node, world);
  const own = { sandbox: [] as number[], start: [] as number[], remove: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const id = `bench-${round}`;
    for (const each of contenders) if (each.why === null) each.samples.push(await each.time(round));
    own.sandbox.push(await timed(() => node.backend.createSandbox(benchPod(id))));
    own.start.push(await timed(() => node.backend.startContainer(benchContainer(node, id, ['/bin/true']))));
    own.remove.push(await timed(() => node.backend.removeSandbox(id)));
  }
  const peers = contenders.map(({ name, what, why, samples }) => ({
    name,
    measured: why === null ? measurement(what, 'ms', samples) : null,
  }));
  const both = own.start.map((start, index) => start + (own.sandbox[index] ?? 0));
  return {
    measurements: [...peers.flatMap(({ measured }) => measured ?? []), ...ourOwn({ ...own, both }, peers)],
    missing: contenders.flatMap(({ what, why }) => (why === null ? [] : [`${what}: ${why}.`])),
  };
}

function ourOwn(
  samples: Readonly<Record<'sandbox' | 'start' | 'both' | 'remove', readonly number[]>>,
  peers: readonly Peer[],
): readonly Measurement[] {
  return [
    measurement(
      'Holdfast: container in a pod, from the call to exec, shim, overlay and log included',
      'ms',
      samples.start,
      peers,
    ),
    measurement('Holdfast: pod (user, network, ipc, uts namespaces, cgroups)', 'ms', samples.sandbox),
    measurement('Holdfast: pod and container together', 'ms', samples.both, peers),
    measurement('Holdfast: remove both', 'ms', samples.remove),
  ];
}

async function contendersOf(node: BenchNode, world: PeerWorld): Promise<readonly Contender[]> {
  const bench = await createOciBench(node, world);
  const oci = async (runtime: OciRuntime, cgroups: 'limits' | 'none', limits: string): Promise<Contender> => ({
    name: cgroups === 'limits' ? runtime.name : `${runtime.name} ${limits}`,
    what: `${runtime.name}: \`run\` of /bin/true, ${limits}`,
    why: (await reasonRuntimeMissing(runtime)) ?? (await reasonFailing(bench, runtime, cgroups)),
    samples: [],
    time: (round) => bench.time(runtime, `${cgroups}-${round}`, cgroups),
  });
  return [
    await oci(NEWEST_CRUN, 'limits', 'with cgroup limits'),
    await oci(NEWEST_CRUN, 'none', 'without cgroups'),
    await oci(CRUN, 'limits', 'with cgroup limits'),
    await oci(RUNC, 'limits', 'with cgroup limits'),
    {
      name: 'bubblewrap',
      what: 'bubblewrap: /bin/true, without cgroups and seccomp',
      why: await reasonMissing('bwrap', '--version'),
      samples: [],
      time: () => world.time('bwrap --unshare-all --ro-bind "$1" / --proc /proc --dev /dev /bin/true', node.layer),
    },
  ];
}

/** Some refuse the cgroups or the kernel of this machine: its own words say why. */
async function reasonFailing(bench: OciBench, runtime: OciRuntime, cgroups: 'limits' | 'none'): Promise<string | null> {
  try {
    await bench.time(runtime, `try-${cgroups}`, cgroups);
    return null;
  } catch (error) {
    return (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error);
  }
}
