import { join } from 'node:path';
import { BackendError } from '../errors.ts';
import { readControl, writeControl, writeControlIfPresent, writeSlowControl } from './files.ts';
import type { Base, CgroupGround } from './ground.ts';
import { CPU_PERIOD_US, cpuMillisOf, cpuQuotaUs } from './limits.ts';
import { readUsageV2 } from './usage-v2.ts';

/** The v2 controllers limits need. */
export const CONTROLLERS: readonly string[] = ['memory', 'cpu', 'pids'];

/** Those it does without where the group above does not hand them down. */
const OPTIONAL_CONTROLLERS: readonly string[] = ['io'];

/** Limits through the unified hierarchy (kernel Documentation/admin-guide/cgroup-v2.rst). */
export function v2Ground(base: Base): CgroupGround {
  return {
    entered: [base],
    swept: [base],
    pids: base,
    unified: base,
    freezer: null,
    prepareParent: enableControllers,
    prepareGroup: async () => {},
    writeLimits: async (group, limits) => {
      const directory = join(base.directory, group);
      const quota = limits.cpuMillis === null ? 'max' : String(cpuQuotaUs(limits.cpuMillis));
      await writeMemory(directory, limits.memoryBytes);
      await writeControl(join(directory, 'cpu.max'), `${quota} ${CPU_PERIOD_US}`);
      await writeControl(join(directory, 'pids.max'), limits.pids === null ? 'max' : String(limits.pids));
    },
    readLimits: async (group) => {
      const read = (name: string): Promise<string | null> => readControl(join(base.directory, group, name));
      const [memory, cpu, pids] = await Promise.all([read('memory.max'), read('cpu.max'), read('pids.max')]);
      if (memory === null || cpu === null || pids === null) return null;
      const [quota, period] = cpu.split(' ');
      return {
        memoryBytes: memory === 'max' ? null : Number(memory),
        cpuMillis: quota === 'max' ? null : cpuMillisOf(Number(quota), Number(period)),
        pids: pids === 'max' ? null : Number(pids),
      };
    },
    readUsage: (group) => readUsageV2(join(base.directory, group)),
    countOomKills: async (group) => {
      const events = await readControl(join(base.directory, group, 'memory.events'));
      return Number(/^oom_kill (\d+)$/m.exec(events ?? '')?.[1] ?? 0);
    },
  };
}

/**
 * A limited group does not swap, and dies as one when it runs out. Groups without a limit of their own never do:
 * the kernel would take the outermost such group, all of ours, when the whole node runs out.
 */
async function writeMemory(directory: string, bytes: number | null): Promise<void> {
  await makeRoom(directory, bytes);
  await writeControlIfPresent(join(directory, 'memory.swap.max'), bytes === null ? 'max' : '0');
  await writeControlIfPresent(join(directory, 'memory.oom.group'), bytes === null ? '0' : '1');
  await writeSlowControl(join(directory, 'memory.max'), bytes === null ? 'max' : BigInt(bytes).toString());
}

/** `memory.max` below what is in use would kill: reclaim first, and refuse when that is not enough. */
async function makeRoom(directory: string, bytes: number | null): Promise<void> {
  const used = async (): Promise<number> => Number(await readControl(join(directory, 'memory.current')));
  const before = await used();
  if (bytes === null || before <= bytes) return;
  await writeSlowControl(join(directory, 'memory.reclaim'), String(before - bytes)).catch((error: BackendError) => {
    const isPartial = error.errno === 'EAGAIN' || error.code === 'not-found';
    if (!isPartial) throw error;
  });
  const after = await used();
  if (after <= bytes) return;
  throw new BackendError(
    'no-resources',
    'write memory.max',
    `cgroup ${directory}: cannot lower memory to ${bytes} bytes, ${after} are in use; restart the container to apply it`,
    { errno: 'EBUSY' },
  );
}

async function enableControllers(directory: string): Promise<void> {
  const path = join(directory, 'cgroup.subtree_control');
  const enabled = ((await readControl(path)) ?? '').split(' ');
  const handedDown = ((await readControl(join(directory, 'cgroup.controllers'))) ?? '').split(' ');
  const wanted = [...CONTROLLERS, ...OPTIONAL_CONTROLLERS.filter((name) => handedDown.includes(name))];
  const missing = wanted.filter((name) => !enabled.includes(name));
  if (missing.length > 0) await writeControl(path, missing.map((name) => `+${name}`).join(' '));
}
