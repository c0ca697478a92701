import type { ContainerStats } from '../../native/index.ts';
import { showBytes, table } from './print.ts';

/** What a container used over a short while. */
export interface ContainerLoad extends ContainerStats {
  /** Thousandths of a CPU, on average since the reading before. */
  readonly cpuMillis: number;
}

/** @returns what each container used between two readings. One that was started anew in between is left out. */
export function loadsBetween(
  before: readonly ContainerStats[],
  after: readonly ContainerStats[],
): readonly ContainerLoad[] {
  return after.flatMap((now) => {
    const then = before.find(({ sandboxId, name }) => sandboxId === now.sandboxId && name === now.name);
    if (then === undefined || then.cpu.totalMicros > now.cpu.totalMicros || then.at >= now.at) return [];
    return [{ ...now, cpuMillis: Math.round((now.cpu.totalMicros - then.cpu.totalMicros) / (now.at - then.at)) }];
  });
}

/** @returns one line for each container, the busiest first. */
export function showUsage(loads: readonly ContainerLoad[]): string {
  const rows = loads
    .toSorted((a, b) => b.cpuMillis - a.cpuMillis || b.memory.workingSetBytes - a.memory.workingSetBytes)
    .map(({ sandboxId, name, cpuMillis, memory, pids, pidsLimitHits, io, cpu, pressure }) => [
      sandboxId,
      name,
      `${cpuMillis}m`,
      showBytes(memory.workingSetBytes),
      memory.swapBytes === null ? '-' : showBytes(memory.swapBytes),
      String(pids),
      io === null ? '-' : showBytes(io.readBytes),
      io === null ? '-' : showBytes(io.writtenBytes),
      cpu.periods === 0 ? '-' : `${Math.round((100 * cpu.throttledPeriods) / cpu.periods)}%`,
      String(memory.highHits + memory.limitHits + pidsLimitHits),
      String(memory.oomKills),
      ...[pressure.cpu, pressure.memory, pressure.io].map((each) =>
        each === null ? '-' : `${each.some.last10Percent}%`,
      ),
    ]);
  const waits = ['CPU-WAIT', 'MEM-WAIT', 'IO-WAIT'];
  return table(
    [
      'POD',
      'CONTAINER',
      'CPU',
      'MEMORY',
      'SWAP',
      'PIDS',
      'READ',
      'WRITTEN',
      'THROTTLED',
      'LIMIT-HITS',
      'OOM-KILLS',
      ...waits,
    ],
    rows,
  );
}
