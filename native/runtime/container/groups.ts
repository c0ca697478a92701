import { posix } from 'node:path';
import type { ClampedSetting, Limits } from '../../backend.ts';
import { createCgroupDriver } from '../../cgroup/driver.ts';
import { BackendError } from '../../errors.ts';
import type { BundleConfig } from '../config/schema.ts';

const DEFAULT_PARENT = '/holdfast-runtime';
const DEFAULT_PERIOD_US = 100_000;

/** @returns the path of a container's group below every hierarchy. A relative one is below ours; a group of its own leaves no parent behind. @throws BackendError `invalid-spec`. */
export function cgroupPathOf(config: BundleConfig, id: string): string {
  const asked = config.linux.cgroupsPath ?? '';
  if (/^[^/]*:[^/]*:[^/]*$/.test(asked)) {
    const message = `linux.cgroupsPath: ${JSON.stringify(asked)} is for the systemd cgroup driver, which this runtime has not: have the engine use cgroupfs`;
    throw new BackendError('unsupported', 'cgroup path', message);
  }
  if (asked === '') return `${DEFAULT_PARENT}-${id}`;
  if (asked.split('/').includes('..')) {
    throw new BackendError('invalid-spec', 'cgroup path', 'linux.cgroupsPath: must not contain ".."');
  }
  const path = asked.startsWith('/') ? posix.normalize(asked) : posix.join(DEFAULT_PARENT, asked);
  return path.replace(/(?<=.)\/$/, '');
}

/** A container's group in every hierarchy. */
export interface ContainerGroup {
  /** @returns limits this node holds only in part. */
  create(limits: Limits): Promise<readonly ClampedSetting[]>;
  /** cgroup.procs files by which a process enters it. */
  readonly entryFiles: readonly string[];
  pids(): Promise<readonly number[]>;
  kill(): Promise<void>;
  remove(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  isFrozen(): Promise<boolean>;
}

/** Opens the group at a path below the hierarchies' mount points. @throws BackendError `unsupported` without cgroups. */
export async function openGroup(cgroupPath: string): Promise<ContainerGroup> {
  const [root = '', ...below] = cgroupPath.split('/').filter(Boolean);
  const group = below.join('/');
  const driver = await createCgroupDriver({ root });
  return {
    create: (limits) => driver.create(group, limits),
    entryFiles: driver.entryFiles(group),
    pids: () => driver.pids(group),
    kill: () => driver.kill(group),
    remove: () => driver.remove(group),
    freeze: () => driver.freeze(group),
    thaw: () => driver.thaw(group),
    isFrozen: () => driver.isFrozen(group),
  };
}

/** @returns the limits a config asks for. @throws BackendError `unsupported` for swap that is limited by itself. */
export function limitsOf({ linux }: BundleConfig): Limits {
  const { memory, cpu, pids } = linux.resources ?? {};
  const swap = positive(memory?.swap);
  if (swap !== null && swap !== positive(memory?.limit) && swap !== 2 * (memory?.limit ?? 0)) {
    throw new BackendError('unsupported', 'limits', 'linux.resources.memory.swap: leave it out');
  }
  const quota = positive(cpu?.quota);
  return {
    memoryBytes: positive(memory?.limit),
    cpuMillis: quota === null ? null : (quota * 1000) / (cpu?.period || DEFAULT_PERIOD_US),
    pids: positive(pids?.limit),
  };
}

/** Zero and -1 stand for no limit. */
function positive(value: number | undefined): number | null {
  return value !== undefined && value > 0 ? value : null;
}
