import { join } from 'node:path';
import type { V1Bases } from './base.ts';
import { readControl } from './files.ts';
import {
  type CpuUsage,
  type GroupUsage,
  ioUsageOf,
  type MemoryUsage,
  readHugepages,
  readNumbers,
  workingSet,
} from './usage.ts';
import { readCpuV2, readPressures } from './usage-v2.ts';

const NO_PRESSURE = { cpu: null, memory: null, io: null } as const;
const MICRO_NANOS = 1000;

/** Reads what a group uses from the v1 controllers, and from the v2 tree beside them what only that knows. Null when it is gone. */
export async function readUsageV1(
  bases: V1Bases,
  group: string,
  countOomKills: () => Promise<number>,
): Promise<GroupUsage | null> {
  const unified = bases.unified === null ? null : join(bases.unified.directory, group);
  const [usage, pids, pidEvents, cpu, io, hugepages, pressure, oomKills] = await Promise.all([
    readControl(join(bases.memory.directory, group, 'memory.usage_in_bytes')),
    readControl(join(bases.pids.directory, group, 'pids.current')),
    readNumbers(join(bases.pids.directory, group, 'pids.events')),
    readCpu(bases, group),
    readIo(bases, group),
    readPagesOf(bases, group),
    unified === null ? NO_PRESSURE : readPressures(unified),
    countOomKills(),
  ]);
  if (usage === null || pids === null) return null;
  const memory = await readMemory(join(bases.memory.directory, group), Number(usage), oomKills);
  const pidsLimitHits = pidEvents.get('max') ?? 0;
  return { cpu, memory, pids: Number(pids), pidsLimitHits, io, hugepages, pressure };
}

async function readCpu({ unified, cpu, cpuAccounting }: V1Bases, group: string): Promise<CpuUsage> {
  const quota = await readNumbers(join(cpu.directory, group, 'cpu.stat'));
  const time =
    unified !== null
      ? await readCpuV2(join(unified.directory, group))
      : await readAccounting(cpuAccounting === null ? null : join(cpuAccounting.directory, group));
  return {
    ...time,
    periods: quota.get('nr_periods') ?? 0,
    throttledPeriods: quota.get('nr_throttled') ?? 0,
    throttledMicros: (quota.get('throttled_time') ?? 0) / MICRO_NANOS,
  };
}

async function readAccounting(
  directory: string | null,
): Promise<Pick<CpuUsage, 'totalMicros' | 'userMicros' | 'systemMicros'>> {
  const read = async (name: string): Promise<number> =>
    directory === null ? 0 : Number((await readControl(join(directory, name))) ?? 0) / MICRO_NANOS;
  const [totalMicros, userMicros, systemMicros] = await Promise.all([
    read('cpuacct.usage'),
    read('cpuacct.usage_user'),
    read('cpuacct.usage_sys'),
  ]);
  return { totalMicros, userMicros, systemMicros };
}

async function readMemory(directory: string, totalBytes: number, oomKills: number): Promise<MemoryUsage> {
  const stat = await readNumbers(join(directory, 'memory.stat'));
  const peak = await readControl(join(directory, 'memory.max_usage_in_bytes'));
  const hits = await readControl(join(directory, 'memory.failcnt'));
  return {
    totalBytes,
    workingSetBytes: workingSet(totalBytes, stat.get('total_inactive_file') ?? 0),
    anonymousBytes: stat.get('total_rss') ?? 0,
    fileBytes: stat.get('total_cache') ?? 0,
    peakBytes: peak === null ? null : Number(peak),
    swapBytes: stat.get('total_swap') ?? null,
    highHits: 0,
    limitHits: Number(hits ?? 0),
    oomKills,
  };
}

/** Lines as `8:0 Read 4096`, several for each device used. */
async function readIo({ io }: V1Bases, group: string): Promise<GroupUsage['io']> {
  if (io === null) return null;
  const read = (name: string): Promise<string | null> =>
    readControl(join(io.directory, group, `blkio.throttle.${name}_recursive`));
  const [bytes, counts] = [await read('io_service_bytes'), await read('io_serviced')];
  if (bytes === null) return null;
  const devices = new Set([...bytes.matchAll(/^(\d+:\d+) /gm)].map(([, device = '']) => device));
  const find = (text: string | null, device: string, operation: string): number =>
    Number(new RegExp(`^${device} ${operation} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? 0);
  return ioUsageOf(
    [...devices].map((device) => ({
      device,
      readBytes: find(bytes, device, 'Read'),
      writtenBytes: find(bytes, device, 'Write'),
      reads: find(counts, device, 'Read'),
      writes: find(counts, device, 'Write'),
    })),
  );
}

/** Of v1's hierarchy, or of the v2 tree beside the others. */
async function readPagesOf(
  { hugepages, unified, hasUnifiedHugepages }: V1Bases,
  group: string,
): Promise<GroupUsage['hugepages']> {
  if (hugepages !== null) return readHugepages(join(hugepages.directory, group), 'usage_in_bytes');
  return unified !== null && hasUnifiedHugepages ? readHugepages(join(unified.directory, group), 'current') : null;
}
