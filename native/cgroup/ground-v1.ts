import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Limits } from '../limits.ts';
import type { Base, V1Bases } from './base.ts';
import { type LimitControl, missingControl, missingWeights } from './controls/control.ts';
import { cpuSharesV1 } from './controls/cpu-shares.ts';
import { cpusetV1 } from './controls/cpuset.ts';
import { hugepagesV1, hugepagesV2 } from './controls/hugepages.ts';
import { ioRatesV1 } from './controls/io-rates.ts';
import { ioWeightV1 } from './controls/io-weight.ts';
import { memoryHighV1, UNLIMITED_BYTES } from './controls/memory-high.ts';
import { readControl, writeControl, writeControlIfPresent } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { readLimitCountsV1 } from './limit-counts.ts';
import { CPU_PERIOD_US, cpuMillisOf, cpuQuotaUs } from './limits.ts';
import { readSwapV1, writeMemoryV1 } from './memory-v1.ts';
import { listBelow } from './tree.ts';
import { readUsageV1 } from './usage-v1.ts';

/** Limits through cgroup v1 controllers (kernel Documentation/admin-guide/cgroup-v1), with the v2 tree beside them if mounted. */
export function v1Ground(bases: V1Bases): CgroupGround {
  const beside = bases.unified === null ? [bases.freezer, bases.cpuAccounting] : [bases.unified];
  const entered = distinct([bases.memory, bases.cpu, bases.pids, bases.io, ...beside]);
  const others = ['net_cls', 'net_prio', 'devices'].map((name) => bases.all.get(name) ?? null);
  const enteredOnDemand = distinct([bases.cpuset, bases.hugepages, ...others]).filter(
    ({ directory }) => !entered.some((base) => base.directory === directory),
  );
  const file = (base: Base, group: string, name: string): string => join(base.directory, group, name);
  let isRootCounting = false;
  return {
    version: 1,
    v1: bases.all,
    entered,
    enteredOnDemand,
    swept: distinct([...entered, ...enteredOnDemand, bases.freezer]),
    pids: bases.pids,
    unified: bases.unified,
    freezer: bases.freezer,
    controls: controlsOf(bases),
    prepareParent: async () => {},
    prepareGroup: async ({ directory: root }, directory) => {
      if (root === bases.memory.directory && (directory === root || !isRootCounting)) {
        const hadIt = await countChildren(directory);
        isRootCounting = hadIt && dirname(directory) === root;
      }
      if (root === bases.cpuset?.directory) await takeCpusOfParent(directory);
    },
    writeLimits: async (group, limits) => {
      await writeMemoryV1(join(bases.memory.directory, group), limits);
      await writeCpu(join(bases.cpu.directory, group), limits.cpuMillis);
      await writeControl(file(bases.pids, group, 'pids.max'), limits.pids === null ? 'max' : String(limits.pids));
    },
    readLimits: async (group, asked) => {
      const memory = await readControl(file(bases.memory, group, 'memory.limit_in_bytes'));
      const quota = await readControl(file(bases.cpu, group, 'cpu.cfs_quota_us'));
      const period = await readControl(file(bases.cpu, group, 'cpu.cfs_period_us'));
      const pids = await readControl(file(bases.pids, group, 'pids.max'));
      if (memory === null || quota === null || period === null || pids === null) return null;
      return {
        memoryBytes: Number(memory) >= UNLIMITED_BYTES ? null : Number(memory),
        cpuMillis: Number(quota) < 0 ? null : cpuMillisOf(Number(quota), Number(period)),
        pids: pids === 'max' ? null : Number(pids),
        ...(await readSwapV1(join(bases.memory.directory, group), asked, Number(memory))),
      } satisfies Limits;
    },
    countOomKills: (group) => countOomKills(join(bases.memory.directory, group)),
    readLimitCounts: (group) =>
      readLimitCountsV1(bases, group, () => countOomKills(join(bases.memory.directory, group))),
    readUsage: (group) => readUsageV1(bases, group, () => countOomKills(join(bases.memory.directory, group))),
  };
}

function controlsOf(bases: V1Bases): readonly LimitControl[] {
  const { io, cpuset, hugepages, unified } = bases;
  const below = (base: Base) => (group: string) => join(base.directory, group);
  return [
    cpuSharesV1(below(bases.cpu)),
    memoryHighV1(below(bases.memory)),
    cpuset === null ? missingControl(['cpus', 'mems'], 'the cpuset controller is not mounted') : cpusetV1(cpuset),
    ...(io === null
      ? [missingControl(['ioDevices'], 'the blkio controller is not mounted'), missingWeights()]
      : [ioRatesV1(below(io)), ioWeightV1(below(io))]),
    hugepages !== null
      ? hugepagesV1(hugepages)
      : unified !== null && bases.hasUnifiedHugepages
        ? hugepagesV2(unified)
        : missingControl(['hugepages'], 'the hugetlb controller is mounted neither as v1 nor as v2'),
  ];
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

/**
 * Old kernels count a child's memory only where `use_hierarchy` is set, which a group has from the one above it.
 * @returns whether this one had it: then the one above has, and every other below that will.
 */
async function countChildren(directory: string): Promise<boolean> {
  const counted = join(directory, 'memory.use_hierarchy');
  const isCounted = !existsSync(counted) || (await readControl(counted)) !== '0';
  if (!isCounted) await writeControlIfPresent(counted, '1');
  return isCounted;
}

/** A new group of cpuset has no CPU to run on. */
async function takeCpusOfParent(directory: string): Promise<void> {
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
