import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CgroupDriver } from '../../native/cgroup/driver.ts';
import type { ContractGround } from '../contract/contract-ground.ts';
import { NO_LIMITS } from '../contract/contract-stage.ts';
import { type ContainerStage, openContainerStage, readLog, untilSome } from './container-stage.ts';

/** The contract's ground on this machine's kernel. */
export interface KernelGround extends ContractGround {
  readonly cgroups: CgroupDriver;
  readonly stateDir: string;
  readonly runDir: string;
  /** A directory for the test's own files, gone at the end. */
  readonly directory: string;
}

/** Makes the ground of one test, with directories and a cgroup root of its own and nothing running. */
export async function openKernelGround(): Promise<KernelGround> {
  const stage = await openContainerStage();
  const { backend, cgroups, directory, layer, runDir, stateDir } = stage;
  return {
    ...{ backend, cgroups, directory, runDir, stateDir, reopen: stage.reopen, close: stage.close },
    layers: [layer],
    logDirectory: join(directory, 'logs'),
    untilReady: async (spec) => {
      await untilSome(async () => (await readLog(spec, 'stdout')).includes('ready'));
    },
    killContainer: async ({ pid }) => kill(pid),
    killSandbox: async ({ pid }) => kill(pid),
    tamperLimits: async (container, limits) => {
      const group = `${container.sandboxId}/${container.name}`;
      await cgroups.update(group, { ...((await cgroups.read(group)) ?? NO_LIMITS), ...limits });
    },
    addStranger: () => addStranger(cgroups),
    leftovers: (id) => leftoversOf(id, stage),
  };
}

function kill(pid: number | null): void {
  if (pid !== null) process.kill(pid, 'SIGKILL');
}

async function addStranger(cgroups: CgroupDriver): Promise<{ readonly id: string; readonly pid: number }> {
  const id = 'strange';
  await cgroups.create(id, NO_LIMITS);
  const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  for (const file of cgroups.entryFiles(id)) await writeFile(file, String(child.pid));
  return { id, pid: child.pid as number };
}

async function leftoversOf(id: string, { cgroups, directory, runDir }: ContainerStage): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(id));
  const groups = (await cgroups.list()).filter((group) => group.startsWith(id));
  const files = await Promise.all([directory, runDir].map((path) => readdir(path, { recursive: true })));
  const processes = (await cgroups.pids(id)).map((pid) => `process ${pid}`);
  return [...mounts, ...groups, ...files.flat().filter((path) => path.includes(`${id}/`)), ...processes];
}
