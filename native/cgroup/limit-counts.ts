import { join } from 'node:path';
import type { V1Bases } from './base.ts';
import { readControl } from './files.ts';
import { readNumbers } from './usage.ts';

/** How often a group met its limits since it was made. What the kernel does not count is 0. */
export interface LimitCounts {
  /** Went above the soft limit of memory and was slowed down. */
  readonly memoryHigh: number;
  /** Was about to exceed its limit of memory. */
  readonly memoryMax: number;
  /** Processes killed for want of memory. */
  readonly oomKill: number;
  /** A fork was refused. */
  readonly pidsMax: number;
  /** Periods in which it was held back for its CPU quota. */
  readonly cpuThrottled: number;
}

/** Reads the counts of a v1 group. Null when it is gone. */
export async function readLimitCountsV1(
  bases: V1Bases,
  group: string,
  countOomKills: () => Promise<number>,
): Promise<LimitCounts | null> {
  const hits = await readControl(join(bases.memory.directory, group, 'memory.failcnt'));
  if (hits === null) return null;
  const pids = await readNumbers(join(bases.pids.directory, group, 'pids.events'));
  const cpu = await readNumbers(join(bases.cpu.directory, group, 'cpu.stat'));
  return {
    memoryHigh: 0,
    memoryMax: Number(hits),
    oomKill: await countOomKills(),
    pidsMax: pids.get('max') ?? 0,
    cpuThrottled: cpu.get('nr_throttled') ?? 0,
  };
}

/** The same of a v2 group. */
export async function readLimitCountsV2(directory: string): Promise<LimitCounts | null> {
  const memory = await readNumbers(join(directory, 'memory.events'));
  if (memory.size === 0) return null;
  const pids = await readNumbers(join(directory, 'pids.events'));
  const cpu = await readNumbers(join(directory, 'cpu.stat'));
  return {
    memoryHigh: memory.get('high') ?? 0,
    memoryMax: memory.get('max') ?? 0,
    oomKill: memory.get('oom_kill') ?? 0,
    pidsMax: pids.get('max') ?? 0,
    cpuThrottled: cpu.get('nr_throttled') ?? 0,
  };
}
