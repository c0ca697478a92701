import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createCgroupDriver } from '../../native/cgroup/driver.ts';
import {
  type ContainerBackend,
  type ContainerSpec,
  createKernelBackend,
  defaultSeccomp,
  type OciConfig,
  type SandboxNetwork,
  type SandboxSpec,
} from '../../native/index.ts';
import { openNetworkNamespace } from '../world/network-namespace.ts';
import { createBenchDisk } from './bench-disk.ts';

/** A kernel backend on directories of its own, and a root file system of busybox. */
export interface BenchNode {
  readonly backend: ContainerBackend;
  /** On the bench's own disk. */
  readonly directory: string;
  readonly cgroupRoot: string;
  /** One layer: static busybox, and the directories a container needs. */
  readonly layer: string;
  remove(): Promise<void>;
}

/** Makes a node to measure on, its networks in a network namespace of its own. */
export async function createBenchNode(): Promise<BenchNode> {
  const disk = await createBenchDisk();
  // On a tmpfs, as /run is.
  const runDir = await mkdtemp('/dev/shm/holdfast-test-');
  const network = await openNetworkNamespace();
  const cgroupRoot = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  const layer = join(disk.path, 'layer');
  await makeLayer(layer);
  const backend = await createKernelBackend({
    stateDir: join(disk.path, 'state'),
    runDir,
    cgroupRoot,
    networkNamespace: network.path,
  });
  return {
    backend,
    layer,
    directory: disk.path,
    cgroupRoot,
    remove: async () => {
      for (const { id } of (await backend.observe()).sandboxes) await backend.removeSandbox(id);
      for (const { name } of (await backend.observe()).networks) await backend.removeNetwork(name);
      await (await createCgroupDriver({ root: cgroupRoot })).remove('');
      await network.close();
      await disk.remove();
      await rm(runDir, { recursive: true });
    },
  };
}

async function makeLayer(layer: string): Promise<void> {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) await mkdir(join(layer, name), { recursive: true });
  await copyFile('/bin/busybox', join(layer, 'bin/busybox'));
  await chmod(join(layer, 'bin/busybox'), 0o755);
  for (const applet of ['sh', 'true', 'sleep', 'yes', 'head']) await symlink('busybox', join(layer, 'bin', applet));
}

/** @returns a pod with namespaces of its own. */
export function benchPod(id: string, network: SandboxNetwork = 'private'): SandboxSpec {
  return { id, labels: {}, hostname: 'bench', network, users: 'private' };
}

/** @returns a container as the agent makes them: every namespace, seccomp, masked paths, limits, no capability. */
export function benchContainer(
  node: Pick<BenchNode, 'layer' | 'directory'>,
  sandboxId: string,
  args: readonly string[],
): ContainerSpec {
  return {
    sandboxId,
    name: 'main',
    labels: {},
    config: benchConfig(args),
    layers: [node.layer],
    limits: { memoryBytes: 64 * 1024 * 1024, cpuMillis: 500, cpuShares: 512, pids: 64 },
    log: { path: join(node.directory, 'logs', sandboxId, 'main.log'), maxBytes: 1_048_576, maxFiles: 1 },
    stopSignal: 'SIGTERM',
  };
}

function benchConfig(args: readonly string[]): OciConfig {
  return {
    ociVersion: '1.2.0',
    process: {
      args,
      env: ['PATH=/bin'],
      cwd: '/',
      user: { uid: 1000, gid: 1000, umask: 0o022, additionalGids: [] },
      capabilities: [],
      noNewPrivileges: true,
      oomScoreAdj: 0,
      rlimits: [],
    },
    root: { readonly: false },
    mounts: [],
    linux: {
      maskedPaths: ['/proc/kcore', '/proc/keys', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      seccomp: defaultSeccomp,
      privileged: false,
    },
  };
}
