import { join } from 'node:path';
import { readControl } from './files.ts';
import {
  type CpuUsage,
  type GroupUsage,
  ioUsageOf,
  type MemoryUsage,
  readHugepages,
  readNumbers,
  readPressure,
  workingSet,
} from './usage.ts';

/** Reads what a v2 group uses (kernel Documentation/admin-guide/cgroup-v2.rst). Null when it is gone. */
export async function readUsageV2(directory: string): Promise<GroupUsage | null> {
  const [current, pids, pidEvents, cpu, memory, io, hugepages, pressure] = await Promise.all([
    readControl(join(directory, 'memory.current')),
    readControl(join(directory, 'pids.current')),
    readNumbers(join(directory, 'pids.events')),
    readCpuV2(directory),
    readMemory(directory),
    readIo(directory),
    readHugepages(directory, 'current'),
    readPressures(directory),
  ]);
  if (current === null || pids === null) return null;
  const pidsLimitHits = pidEvents.get('max') ?? 0;
  return { cpu, memory: memory(Number(current)), pids: Number(pids), pidsLimitHits, io, hugepages, pressure };
}

/** Reads cpu.stat, which v2 groups have even where the controller is on v1; then without quota periods. */
export async function readCpuV2(directory: string): Promise<CpuUsage> {
  const stat = await readNumbers(join(directory, 'cpu.stat'));
  return {
    totalMicros: stat.get('usage_usec') ?? 0,
    userMicros: stat.get('user_usec') ?? 0,
    systemMicros: stat.get('system_usec') ?? 0,
    periods: stat.get('nr_periods') ?? 0,
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    throttledMicros: stat.get('throttled_usec') ?? 0,
  };
}

/** Reads the pressure files of a v2 group. */
export async function readPressures(directory: string): Promise<GroupUsage['pressure']> {
  const [cpu, memory, io] = await Promise.all(
    ['cpu', 'memory', 'io'].map((resource) => readPressure(join(directory, `${resource}.pressure`))),
  );
  return { cpu: cpu ?? null, memory: memory ?? null, io: io ?? null };
}

async function readMemory(directory: string): Promise<(totalBytes: number) => MemoryUsage> {
  const [stat, events, peak, swap] = await Promise.all([
    readNumbers(join(directory, 'memory.stat')),
    readNumbers(join(directory, 'memory.events')),
    readControl(join(directory, 'memory.peak')),
    readControl(join(directory, 'memory.swap.current')),
  ]);
  return (totalBytes) => ({
    totalBytes,
    workingSetBytes: workingSet(totalBytes, stat.get('inactive_file') ?? 0),
    anonymousBytes: stat.get('anon') ?? 0,
    fileBytes: stat.get('file') ?? 0,
    peakBytes: peak === null ? null : Number(peak),
    swapBytes: swap === null ? null : Number(swap),
    highHits: events.get('high') ?? 0,
    limitHits: events.get('max') ?? 0,
    oomKills: events.get('oom_kill') ?? 0,
  });
}

/** Lines as `8:0 rbytes=1 wbytes=2 rios=3 ...`, one for each device used. */
async function readIo(directory: string): Promise<GroupUsage['io']> {
  const text = await readControl(join(directory, 'io.stat'));
  if (text === null) return null;
  const lines = [...text.matchAll(/^(\d+:\d+) (.*)$/gm)];
  return ioUsageOf(
    lines.map(([, device = '', rest = '']) => {
      const value = (key: string): number => Number(new RegExp(`\\b${key}=(\\d+)`).exec(rest)?.[1] ?? 0);
      return {
        device,
        readBytes: value('rbytes'),
        writtenBytes: value('wbytes'),
        reads: value('rios'),
        writes: value('wios'),
      };
    }),
  );
}
