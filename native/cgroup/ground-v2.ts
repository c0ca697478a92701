import { join } from 'node:path';
import type { Base } from './base.ts';
import type { LimitControl } from './controls/control.ts';
import { cpuSharesV2 } from './controls/cpu-shares.ts';
import { cpusetV2 } from './controls/cpuset.ts';
import { hugepagesV2 } from './controls/hugepages.ts';
import { ioRatesV2 } from './controls/io-rates.ts';
import { ioWeightV2 } from './controls/io-weight.ts';
import { memoryHighV2 } from './controls/memory-high.ts';
import { readControl, writeControl } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { handDown } from './hand-down.ts';
import { readLimitCountsV2 } from './limit-counts.ts';
import { CPU_PERIOD_US, cpuMillisOf, cpuQuotaUs } from './limits.ts';
import { readSwapV2, writeMemoryV2 } from './memory-v2.ts';
import { readUsageV2 } from './usage-v2.ts';

/** The v2 controllers limits need. */
export const CONTROLLERS: readonly string[] = ['memory', 'cpu', 'pids'];

/** Those it does without where the group above does not hand them down. */
const OPTIONAL_CONTROLLERS: readonly string[] = ['io'];

/** Limits through the unified hierarchy (kernel Documentation/admin-guide/cgroup-v2.rst). */
export function v2Ground(base: Base): CgroupGround {
  return {
    version: 2,
    v1: new Map(),
    entered: [base],
    enteredOnDemand: [],
    swept: [base],
    pids: base,
    unified: base,
    freezer: null,
    controls: controlsOf(base),
    prepareParent: (directory) => handDown(directory, { needed: CONTROLLERS, optional: OPTIONAL_CONTROLLERS }),
    prepareGroup: async () => {},
    writeLimits: async (group, limits) => {
      const directory = join(base.directory, group);
      const quota = limits.cpuMillis === null ? 'max' : String(cpuQuotaUs(limits.cpuMillis));
      await writeMemoryV2(directory, limits);
      await writeControl(join(directory, 'cpu.max'), `${quota} ${CPU_PERIOD_US}`);
      await writeControl(join(directory, 'pids.max'), limits.pids === null ? 'max' : String(limits.pids));
    },
    readLimits: async (group, asked) => {
      const read = (name: string): Promise<string | null> => readControl(join(base.directory, group, name));
      const [memory, cpu, pids] = await Promise.all([read('memory.max'), read('cpu.max'), read('pids.max')]);
      if (memory === null || cpu === null || pids === null) return null;
      const [quota, period] = cpu.split(' ');
      return {
        memoryBytes: memory === 'max' ? null : Number(memory),
        cpuMillis: quota === 'max' ? null : cpuMillisOf(Number(quota), Number(period)),
        pids: pids === 'max' ? null : Number(pids),
        ...(await readSwapV2(join(base.directory, group), asked)),
      };
    },
    readLimitCounts: (group) => readLimitCountsV2(join(base.directory, group)),
    readUsage: (group) => readUsageV2(join(base.directory, group)),
    countOomKills: async (group) => {
      const events = await readControl(join(base.directory, group, 'memory.events'));
      return Number(/^oom_kill (\d+)$/m.exec(events ?? '')?.[1] ?? 0);
    },
  };
}

function controlsOf(base: Base): readonly LimitControl[] {
  const below = (group: string): string => join(base.directory, group);
  const io = { name: 'io', base };
  return [
    cpuSharesV2(below),
    memoryHighV2(below),
    cpusetV2(base),
    { ...ioRatesV2(below), controller: io },
    { ...ioWeightV2(base), controller: io },
    hugepagesV2(base),
  ];
}
