import { dirname, join } from 'node:path';
import type { Limits } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { readControl, writeControl, writeControlIfPresent, writeSlowControl } from './files.ts';
import type { Base, CgroupGround, V1Bases } from './ground.ts';
import { CPU_PERIOD_US, cpuMillisOf, cpuQuotaUs } from './limits.ts';
import { listBelow } from './tree.ts';
import { readUsageV1 } from './usage-v1.ts';

/** At and above this a v1 memory limit is none: the kernel shows LONG_MAX rounded down to a page. */
const UNLIMITED_BYTES = 2 ** 62;

/** Limits through cgroup v1 controllers (kernel Documentation/admin-guide/cgroup-v1), with the v2 tree beside them if mounted. */
export function v1Ground(bases: V1Bases): CgroupGround {
  const beside = bases.unified === null ? [bases.freezer, bases.cpuAccounting] : [bases.unified];
  const entered = distinct([bases.memory, bases.cpu, bases.pids, bases.io, ...beside]);
  const file = (base: Base, group: string, name: string): string => join(base.directory, group, name);
  return {
    entered,
    swept: distinct([...entered, bases.freezer]),
    pids: bases.pids,
    unified: bases.unified,
    freezer: bases.freezer,
    prepareParent: async () => {},
    prepareGroup,
    writeLimits: async (group, limits) => {
      await writeMemory(join(bases.memory.directory, group), limits.memoryBytes);
      await writeCpu(join(bases.cpu.directory, group), limits.cpuMillis);
      await writeControl(file(bases.pids, group, 'pids.max'), limits.pids === null ? 'max' : String(limits.pids));
    },
    readLimits: async (group) => {
      const memory = await readControl(file(bases.memory, group, 'memory.limit_in_bytes'));
      const quota = await readControl(file(bases.cpu, group, 'cpu.cfs_quota_us'));
      const period = await readControl(file(bases.cpu, group, 'cpu.cfs_period_us'));
      const pids = await readControl(file(bases.pids, group, 'pids.max'));
      if (memory === null || quota === null || period === null || pids === null) return null;
      return {
        memoryBytes: Number(memory) >= UNLIMITED_BYTES ? null : Number(memory),
        cpuMillis: Number(quota) < 0 ? null : cpuMillisOf(Number(quota), Number(period)),
        pids: pids === 'max' ? null : Number(pids),
      } satisfies Limits;
    },
    countOomKills: (group) => countOomKills(join(bases.memory.directory, group)),
    readUsage: (group) => readUsageV1(bases, group, () => countOomKills(join(bases.memory.directory, group))),
  };
}

/**
 * Memory and memory+swap get one value, so nothing swaps. The kernel refuses memory above memory+swap at any moment:
 * going up, memory+swap leads; going down, memory does.
 */
async function writeMemory(directory: string, bytes: number | null): Promise<void> {
  const memory = join(directory, 'memory.limit_in_bytes');
  const memoryAndSwap = join(directory, 'memory.memsw.limit_in_bytes');
  const value = bytes === null ? '-1' : BigInt(bytes).toString();
  const current = await readControl(memoryAndSwap);
  if (current === null) return writeMemoryLimit(memory, value);
  const isUp = bytes === null || bytes >= Number(current);
  for (const path of isUp ? [memoryAndSwap, memory] : [memory, memoryAndSwap]) await writeMemoryLimit(path, value);
}

/** The kernel reclaims what it can before it answers EBUSY: what is in use then cannot be taken without killing. */
async function writeMemoryLimit(path: string, value: string): Promise<void> {
  try {
    await writeSlowControl(path, value);
  } catch (error) {
    if (!(error instanceof BackendError) || error.errno !== 'EBUSY') throw error;
    const usage = await readControl(join(dirname(path), 'memory.usage_in_bytes'));
    throw new BackendError(
      'no-resources',
      error.stage,
      `cgroup ${dirname(path)}: cannot lower memory to ${value} bytes, ${usage} are in use; restart the container to apply it`,
      { errno: 'EBUSY', cause: error },
    );
  }
}

async function writeCpu(directory: string, millis: number | null): Promise<void> {
  const quota = join(directory, 'cpu.cfs_quota_us');
  const period = join(directory, 'cpu.cfs_period_us');
  if (Number(await readControl(period)) !== CPU_PERIOD_US) {
    await writeControl(quota, '-1');
    await writeControl(period, String(CPU_PERIOD_US));
  }
  await writeControl(quota, millis === null ? '-1' : String(cpuQuotaUs(millis)));
}

/** Old kernels count a child's memory only where `use_hierarchy` is set, and a new group has no CPU to run on where cpuset shares its hierarchy. */
async function prepareGroup(directory: string): Promise<void> {
  if ((await readControl(join(directory, 'memory.use_hierarchy'))) === '0') {
    await writeControlIfPresent(join(directory, 'memory.use_hierarchy'), '1');
  }
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    if ((await readControl(join(directory, name))) !== '') continue;
    await writeControl(join(directory, name), (await readControl(join(dirname(directory), name))) ?? '');
  }
}

/** v1 counts a kill only in the group it happened in. */
async function countOomKills(directory: string): Promise<number> {
  const groups = ['', ...(await listBelow(directory))];
  const texts = await Promise.all(groups.map((group) => readControl(join(directory, group, 'memory.oom_control'))));
  return texts.reduce((sum, text) => sum + Number(/^oom_kill (\d+)$/m.exec(text ?? '')?.[1] ?? 0), 0);
}

function distinct(bases: readonly (Base | null)[]): readonly Base[] {
  const byDirectory = new Map<string, Base>();
  for (const base of bases) if (base !== null) byDirectory.set(base.directory, base);
  return [...byDirectory.values()];
}
