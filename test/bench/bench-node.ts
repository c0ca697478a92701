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
} from '../../native/index.ts';
import { makeTempDir } from '../world/temp-dir.ts';

/** A kernel backend on directories of its own, and a root file system of busybox. */
export interface BenchNode {
  readonly backend: ContainerBackend;
  readonly directory: string;
  /** One layer: static busybox, and the directories a container needs. */
  readonly layer: string;
  remove(): Promise<void>;
}

/** Makes a node to measure on. */
export async function createBenchNode(): Promise<BenchNode> {
  const temp = await makeTempDir();
  // On a tmpfs, as /run is.
  const runDir = await mkdtemp('/dev/shm/holdfast-test-');
  const cgroupRoot = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  const layer = join(temp.path, 'layer');
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) await mkdir(join(layer, name), { recursive: true });
  await copyFile('/bin/busybox', join(layer, 'bin/busybox'));
  await chmod(join(layer, 'bin/busybox'), 0o755);
  for (const applet of ['sh', 'true', 'sleep']) await symlink('busybox', join(layer, 'bin', applet));
  const backend = await createKernelBackend({
    stateDir: join(temp.path, 'state'),
    runDir,
    cgroupRoot,
  });
  return {
    backend,
    layer,
    directory: temp.path,
    remove: async () => {
      for (const { id } of (await backend.observe()).sandboxes) await backend.removeSandbox(id);
      await (await createCgroupDriver({ root: cgroupRoot })).remove('');
      await temp.remove();
      await rm(runDir, { recursive: true });
    },
  };
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
    limits: { memoryBytes: 64 * 1024 * 1024, cpuMillis: 500, pids: 64 },
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
