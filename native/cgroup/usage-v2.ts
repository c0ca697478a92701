import { join } from 'node:path';
import { readControl } from './files.ts';
import { type CpuUsage, type GroupUsage, type MemoryUsage, readNumbers, readPressure, workingSet } from './usage.ts';

/** Reads what a v2 group uses (kernel Documentation/admin-guide/cgroup-v2.rst). Null when it is gone. */
export async function readUsageV2(directory: string): Promise<GroupUsage | null> {
  const [current, pids, cpu, memory, io, pressure] = await Promise.all([
    readControl(join(directory, 'memory.current')),
    readControl(join(directory, 'pids.current')),
    readCpuV2(directory),
    readMemory(directory),
    readIo(directory),
    readPressures(directory),
  ]);
  if (current === null || pids === null) return null;
  return { cpu, memory: memory(Number(current)), pids: Number(pids), io, pressure };
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
  const [stat, events, peak] = await Promise.all([
    readNumbers(join(directory, 'memory.stat')),
    readNumbers(join(directory, 'memory.events')),
    readControl(join(directory, 'memory.peak')),
  ]);
  return (totalBytes) => ({
    totalBytes,
    workingSetBytes: workingSet(totalBytes, stat.get('inactive_file') ?? 0),
    anonymousBytes: stat.get('anon') ?? 0,
    fileBytes: stat.get('file') ?? 0,
    peakBytes: peak === null ? null : Number(peak),
    limitHits: events.get('max') ?? 0,
    oomKills: events.get('oom_kill') ?? 0,
  });
}

/** Lines as `8:0 rbytes=1 wbytes=2 rios=3 ...`, one for each device used. */
async function readIo(directory: string): Promise<GroupUsage['io']> {
  const text = await readControl(join(directory, 'io.stat'));
  if (text === null) return null;
  const sum = (key: string): number =>
    [...text.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'g'))].reduce((total, [, bytes]) => total + Number(bytes), 0);
  return { readBytes: sum('rbytes'), writtenBytes: sum('wbytes') };
}
