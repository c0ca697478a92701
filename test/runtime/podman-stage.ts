import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeRootfs, type Outcome } from './bundle-stage.ts';

const MAIN = join(import.meta.dirname, '../../native/runtime/main.ts');
const PATIENCE_MS = 30_000;

/** podman with everything it keeps in a directory of its own, and our runtime. */
export interface PodmanStage {
  readonly directory: string;
  readonly rootfs: string;
  /** Runs podman and waits for its end. */
  podman(...args: readonly string[]): Promise<Outcome>;
  /** `podman run` of a shell script, without a network. */
  run(script: string, ...options: readonly string[]): Promise<Outcome>;
  close(): Promise<void>;
}

/** Opens a stage with no container. */
export async function openPodmanStage(): Promise<PodmanStage> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const rootfs = join(directory, 'rootfs');
  const group = basename(directory);
  const runtime = join(directory, 'holdfast-runtime');
  const settings = join(directory, 'containers.conf');
  await makeRootfs(rootfs);
  for (const name of ['etc', 'run', 'tmp', 'data']) await mkdir(join(rootfs, name));
  await writeFile(runtime, `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`, { mode: 0o755 });
  await writeFile(settings, '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nlock_type = "file"\n');
  const places = ['root', 'runroot', 'tmpdir'].flatMap((name) => [`--${name}`, join(directory, name)]);
  const podman: PodmanStage['podman'] = async (...args) => {
    const global = [...places, '--storage-driver', 'vfs', '--runtime', runtime, '--log-level', 'error'];
    const child = spawn('podman', [...global, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CONTAINERS_CONF: settings, TMPDIR: directory },
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        output[name] += chunk.toString();
      });
    }
    const [status] = await once(child, 'close');
    return { status, ...output };
  };
  return {
    ...{ directory, rootfs, podman },
    run: (script, ...options) =>
      podman(
        ...['run', '--rm', '--network', 'none', '--cgroup-parent', `/${group}`, ...options],
        ...['--rootfs', rootfs, 'sh', '-c', script],
      ),
    close: async () => {
      await podman('rm', '--all', '--force', '--time', '0');
      await untilNobodyUses(directory);
      await removeGroups(group);
      await rm(directory, { recursive: true });
    },
  };
}

/** conmon cleans up after a container on its own, and that may take longer than podman. */
async function untilNobodyUses(directory: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const users = await processesNaming(directory);
    if (users.length === 0) return;
    if (Date.now() > deadline) throw new Error(`still there: ${users.join('; ')}`);
    await sleep(50);
  }
}

async function processesNaming(text: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(text)).map((command) => command.replaceAll('\0', ' '));
}

/** podman makes the parent it is told in each hierarchy, with a group of its own for conmon. */
async function removeGroups(name: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).matchAll(/^(?:\S+ ){4}(\S+) .* - cgroup2? /gm);
  for (const [, mount = ''] of mounts) await removeGroup(join(mount, name));
}

async function removeGroup(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => null);
  if (entries === null) return;
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(directory, entry.name));
  await rmdir(directory);
}
