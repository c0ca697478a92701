import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { type ContainerBackend, createKernelBackend, type KernelBackendOptions } from '../../native/index.ts';
import { type NetworkNamespace, openNetworkNamespace, runInNetworkOf } from '../world/network-namespace.ts';
import { patience } from '../world/patience.ts';
import { makeTempDir } from '../world/temp-dir.ts';
import type { ContractGround } from './contract-ground.ts';
import { until } from './contract-stage.ts';

const run = promisify(execFile);

/** A ground whose records a test may break. */
export interface KernelGround extends ContractGround {
  /** Where the backend keeps its records of what runs. */
  readonly runDir: string;
  /** The node, as far as networks go. */
  readonly networks: NetworkNamespace;
}

/** What the backend is opened with beyond its directories. */
export type KernelGroundOptions = Pick<KernelBackendOptions, 'shimPath'>;

/**
 * The kernel of this machine, with directories and a cgroup root of the test's own. Left over is everything that was
 * not there before the test: any file, mount, cgroup, process or link.
 */
export async function openKernelGround(options: KernelGroundOptions = {}): Promise<KernelGround> {
  const { path: directory, remove } = await makeTempDir();
  const cgroupRoot = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  const [stateDir, runDir] = [join(directory, 'state'), join(directory, 'run')];
  const [layer, logDirectory] = [join(directory, 'layer'), join(directory, 'logs')];
  await mkdir(join(layer, 'bin'), { recursive: true });
  await copyFile('/bin/busybox', join(layer, 'bin', 'busybox'));
  const cgroups = await createCgroupDriver({ root: cgroupRoot });
  const networks = await openNetworkNamespace();
  const open = (): Promise<ContainerBackend> =>
    createKernelBackend({ stateDir, runDir, cgroupRoot, networkNamespace: networks.path, ...options });
  const backend = await open();
  const before = new Set(await filesBelow(directory));
  const shared: string[] = [];
  const isNodes = (path: string): boolean => path.startsWith(join(directory, 'node/'));
  return {
    ...{ backend, runDir, networks, logDirectory, layers: [layer], reopen: open, disk: await findDisk() },
    untilReady: ({ log }) => until(async () => (await readFile(log.path, 'utf8').catch(() => '')).includes('ready')),
    killContainer: async ({ pid }) => kill(pid),
    killSandbox: async ({ pid }) => kill(pid),
    unplug: async ({ pid }) => {
      await runInNetworkOf(pid as number)('ip', 'link', 'del', 'eth0');
    },
    tamperLimits: async (container, limits) => {
      const group = await groupOf(container.pid, cgroupRoot);
      const current = await cgroups.read(group, container.applied);
      if (current === null) throw new Error(`cgroup ${group} is gone`);
      await cgroups.update(group, { ...current, ...limits }, current);
    },
    addStranger: () => addStranger(cgroups),
    leftovers: async () => [
      ...(await filesBelow(directory)).filter((path) => !before.has(path) && !isNodes(path)),
      ...(await mountsBelow(directory)).filter((line) => !shared.some((path) => line.includes(` ${path}`))),
      ...(await cgroups.list()),
      ...(await linksBut('lo', networks)),
      ...(await cgroups.pids('')).map((pid) => `process ${pid}`),
    ],
    directory,
    ...nodeMounts(join(directory, 'node'), shared),
    close: async () => {
      await cgroups.kill('');
      await cgroups.remove('');
      for (const path of shared) await run('umount', ['-R', path]);
      await networks.close();
      await remove();
    },
  };
}

/**
 * Mounts parts of one file system: Linux 6.1 maps no ids of a tmpfs.
 * @param nodeFiles where the node keeps what is its own. @param shared gets what has to be unmounted.
 */
function nodeMounts(nodeFiles: string, shared: string[]): Pick<ContractGround, 'share' | 'mountOn' | 'isMountPoint'> {
  return {
    share: async (path) => {
      await mkdir(path);
      await run('mount', ['--bind', path, path]);
      shared.push(path);
      await run('mount', ['--make-shared', path]);
    },
    mountOn: async (path, { name, text }) => {
      const source = await mkdtemp(join(nodeFiles, 'source-'));
      await chmod(source, 0o755);
      await writeFile(join(source, name), text);
      await run('mount', ['--bind', source, path]);
    },
    isMountPoint: async (path) => (await mountsBelow(` ${path} `)).length > 0,
  };
}

/** A disk that can be limited: no RAM disk, no loop device, no part of another. */
async function findDisk(): Promise<string> {
  const disk = (await readdir('/sys/block')).find((name) => /^(?:vd|sd|xvd|nvme|mmcblk)/.test(name));
  if (disk === undefined) throw new Error('this node has no disk to limit');
  return (await readFile(`/sys/block/${disk}/dev`, 'utf8')).trim();
}

function kill(pid: number | null): void {
  if (pid === null) throw new Error('there is no process to kill');
  process.kill(pid, 'SIGKILL');
}

/** The cgroup of a process below our root. */
async function groupOf(pid: number | null, root: string): Promise<string> {
  const memberships = await readFile(`/proc/${pid}/cgroup`, 'utf8');
  const [, group] =
    memberships
      .split('\n')
      .find((line) => line.includes(`${root}/`))
      ?.split(`${root}/`) ?? [];
  if (group === undefined) throw new Error(`process ${pid} is not below ${root}:\n${memberships}`);
  return group;
}

async function addStranger(cgroups: CgroupDriver): Promise<{ readonly id: string; readonly pid: number }> {
  const id = 'strange';
  await cgroups.create(id, { memoryBytes: null, cpuMillis: null, pids: null });
  const child = spawn('/bin/busybox', ['sleep', '1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error('the stranger did not start');
  for (const file of cgroups.entryFiles(id)) await writeFile(file, String(pid));
  return { id, pid };
}

/** A pod's link goes a moment after its processes, with its network namespace. */
async function linksBut(known: string, networks: NetworkNamespace): Promise<readonly string[]> {
  const ask = async () =>
    (await networks.run('ls', '/proc/self/net/dev_snmp6')).split('\n').filter((name) => name !== known);
  const deadline = Date.now() + patience(5_000);
  for (;;) {
    const left = await ask();
    if (left.length === 0 || Date.now() > deadline) return left;
  }
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

async function mountsBelow(directory: string): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').filter((line) => line.includes(directory));
}
