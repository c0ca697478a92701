import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SandboxSpec } from '../../native/index.ts';
import { type BenchNode, benchContainer, createBenchNode } from './bench-node.ts';
import { type Measurement, measurement, timed } from './report.ts';

const run = promisify(execFile);
const ROUNDS = 40;
const OBSERVED = 40;

/** Starts the same program by our backend, by `crun run` and by bubblewrap, in turns; then looks at a node of many. */
export async function benchContainerStart(): Promise<readonly Measurement[]> {
  const node = await createBenchNode();
  try {
    const bundle = await crunBundle(node);
    const kinds = { crun: [], bubblewrap: [], sandbox: [], start: [], remove: [] };
    const samples: Record<keyof typeof kinds, number[]> = kinds;
    for (let round = 0; round < ROUNDS; round++) {
      const id = `bench-${round}`;
      samples.crun.push(await timeCrun(node, bundle, id));
      samples.bubblewrap.push(await timeBubblewrap(node));
      samples.sandbox.push(await timed(() => node.backend.createSandbox(podOf(id))));
      samples.start.push(await timed(() => node.backend.startContainer(benchContainer(node, id, ['/bin/true']))));
      samples.remove.push(await timed(() => node.backend.removeSandbox(id)));
    }
    const peer = measurement('`crun run` of /bin/true without cgroups', 'ms', samples.crun);
    const bubblewrap = measurement('bubblewrap runs /bin/true without cgroups, seccomp', 'ms', samples.bubblewrap);
    const both = samples.start.map((start, index) => start + (samples.sandbox[index] ?? 0));
    return [
      peer,
      bubblewrap,
      measurement('start a container in a pod, spawn to exec, through the shim', 'ms', samples.start, peer),
      measurement('the same, beside bubblewrap', 'ms', samples.start, bubblewrap),
      measurement('make a pod (user, net, ipc, uts namespaces, cgroup)', 'ms', samples.sandbox),
      measurement('pod and container together', 'ms', both, peer),
      measurement('remove pod and container', 'ms', samples.remove),
      measurement(`idle look at ${OBSERVED} pods of a running container each`, 'ms', await timeObserve(node)),
    ];
  } finally {
    await node.remove();
  }
}

function podOf(id: string): SandboxSpec {
  return { id, labels: {}, hostname: 'bench', network: 'private', users: 'private' };
}

/** Every look but the first, which reads the records of all. */
async function timeObserve(node: BenchNode): Promise<readonly number[]> {
  for (let pod = 0; pod < OBSERVED; pod++) {
    const id = `observed-${pod}`;
    await node.backend.createSandbox(podOf(id));
    await node.backend.startContainer(benchContainer(node, id, ['/bin/sleep', '1000']));
  }
  await node.backend.observe();
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round++) samples.push(await timed(() => node.backend.observe()));
  return samples;
}

/** All namespaces on the same root, read-only, with /proc and /dev. */
async function timeBubblewrap(node: BenchNode): Promise<number> {
  const script = `a=$EPOCHREALTIME
    bwrap --unshare-all --ro-bind "$1" / --proc /proc --dev /dev /bin/true; s=$?; b=$EPOCHREALTIME
    echo $(( \${b/./} - \${a/./} )); exit $s`;
  return Number((await run('bash', ['-c', script, 'bash', node.layer])).stdout) / 1_000;
}

/**
 * Debian's crun refuses a hybrid cgroup tree, so it gets a mount namespace of its own without the v2 part, and is spared
 * the cgroups that ours are put into. The shell times it, so that neither this process nor `unshare` counts.
 */
async function timeCrun(node: BenchNode, bundle: string, id: string): Promise<number> {
  const script = `umount /sys/fs/cgroup/unified 2>/dev/null; a=$EPOCHREALTIME
    crun --root "$1" --cgroup-manager disabled run --bundle "$2" "$3"; s=$?; b=$EPOCHREALTIME
    echo $(( \${b/./} - \${a/./} )); exit $s`;
  const args = [
    '--mount',
    '--propagation',
    'private',
    'bash',
    '-c',
    script,
    'bash',
    join(node.directory, 'crun'),
    bundle,
    id,
  ];
  return Number((await run('unshare', args)).stdout) / 1_000;
}

/** The same root file system, namespaces and limits, as `crun spec` lays them out. */
async function crunBundle(node: BenchNode): Promise<string> {
  const bundle = join(node.directory, 'bundle');
  await mkdir(bundle);
  // crun walks to the root file system as the user namespace's own root, who is nobody here.
  await chmod(node.directory, 0o711);
  await run('crun', ['spec'], { cwd: bundle });
  const file = join(bundle, 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8'));
  config.root = { path: node.layer, readonly: true };
  config.process = { ...config.process, args: ['/bin/true'], terminal: false };
  config.linux.namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user'].map((type) => ({ type }));
  const mapping = [{ containerID: 0, hostID: 1_000_000_000, size: 65_536 }];
  config.linux = { ...config.linux, uidMappings: mapping, gidMappings: mapping };
  delete config.linux.resources;
  await writeFile(file, JSON.stringify(config));
  return bundle;
}
