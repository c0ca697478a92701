import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { type ContainerBackend, createKernelBackend } from '../../native/index.ts';
import type { ContractGround } from '../contract/container-backend-contract.ts';

/** A kernel backend on directories and a cgroup root of its own. */
export interface KernelGround extends ContractGround {
  readonly cgroups: CgroupDriver;
  readonly cgroupRoot: string;
  readonly stateDir: string;
  readonly runDir: string;
  /** A directory for the test's own files, gone at the end. */
  readonly directory: string;
}

/** Makes the ground of one test: a layer with a static busybox, and nothing running. */
export async function openKernelGround(): Promise<KernelGround> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const runDir = await mkdtemp('/dev/shm/holdfast-test-');
  const cgroupRoot = `/${basename(runDir)}`;
  const stateDir = join(directory, 'state');
  const logDirectory = join(directory, 'logs');
  const layer = join(directory, 'layer');
  await makeBusyboxLayer(layer);
  const cgroups = await createCgroupDriver({ root: cgroupRoot });
  const open = (): Promise<ContainerBackend> => createKernelBackend({ stateDir, runDir, cgroupRoot });
  return {
    backend: await open(),
    cgroups,
    cgroupRoot,
    stateDir,
    runDir,
    directory,
    layers: [layer],
    logDirectory,
    reopen: open,
    untilReady: (spec) => untilLogged(spec.log.path, / stdout F ready$/m).then(() => undefined),
    killContainer: async ({ pid }) => void process.kill(pid as number, 'SIGKILL'),
    killSandbox: async ({ pid }) => void process.kill(pid as number, 'SIGKILL'),
    tamperLimits: async (container, limits) => {
      const group = `${container.sandboxId}/${container.name}`;
      const now = (await cgroups.read(group)) ?? { memoryBytes: null, cpuMillis: null, pids: null };
      await cgroups.update(group, { ...now, ...limits });
    },
    addStranger: async () => {
      const pid = await startStranger(cgroups, 'strange');
      return { id: 'strange', pid };
    },
    leftovers: (id) => leftoversOf(id, { cgroups, directories: [stateDir, runDir, logDirectory] }),
    close: async () => {
      await cgroups.kill('');
      await cgroups.remove('');
      await rm(runDir, { recursive: true, force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const APPLETS = [
  'sh',
  'cat',
  'echo',
  'grep',
  'head',
  'hostname',
  'id',
  'ls',
  'mount',
  'sleep',
  'stat',
  'test',
  'touch',
];

/** Makes a root file system of a static busybox and its best-known names. */
export async function makeBusyboxLayer(layer: string): Promise<void> {
  await mkdir(join(layer, 'bin'), { recursive: true });
  await mkdir(join(layer, 'etc'));
  await cp('/bin/busybox', join(layer, 'bin/busybox'));
  await writeFile(join(layer, 'etc/from-layer'), 'layer\n');
  for (const applet of APPLETS) await symlink('busybox', join(layer, 'bin', applet));
}

/** Waits until a log matches. @returns the log. */
export async function untilLogged(path: string, pattern: RegExp): Promise<string> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (pattern.test(text)) return text;
    if (Date.now() > deadline) throw new Error(`${path} did not come to match ${pattern}:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function startStranger(cgroups: CgroupDriver, group: string): Promise<number> {
  await cgroups.create(group, { memoryBytes: null, cpuMillis: null, pids: null });
  const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  for (const file of cgroups.entryFiles(group)) await writeFile(file, String(child.pid));
  return child.pid as number;
}

interface Places {
  readonly cgroups: CgroupDriver;
  readonly directories: readonly string[];
}

async function leftoversOf(id: string, { cgroups, directories }: Places): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(id));
  const groups = (await cgroups.list()).filter((group) => group.startsWith(id));
  const files = await Promise.all(directories.map((path) => readdir(path, { recursive: true }).catch(() => [])));
  const processes = (await cgroups.pids(id)).map((pid) => `process ${pid}`);
  return [...mounts, ...groups, ...files.flat().filter((path) => path.includes(`${id}/`)), ...processes];
}
