import type { GroupUsage, IoUsage } from '../../cgroup/usage.ts';
import type { BundleResources } from '../config/resources-schema.ts';

const NANOS_PER_MICRO = 1000;

/** @returns what a container uses, in the form in which engines read it from runc: times in nanoseconds, sizes in bytes. */
export function describeUsage(
  usage: GroupUsage,
  { memory: allowed, pids }: BundleResources,
): Readonly<Record<string, unknown>> {
  const { cpu, memory, pressure } = usage;
  return {
    cpu: {
      usage: {
        total: cpu.totalMicros * NANOS_PER_MICRO,
        kernel: cpu.systemMicros * NANOS_PER_MICRO,
        user: cpu.userMicros * NANOS_PER_MICRO,
      },
      throttling: {
        periods: cpu.periods,
        throttledPeriods: cpu.throttledPeriods,
        throttledTime: cpu.throttledMicros * NANOS_PER_MICRO,
      },
      ...(pressure.cpu === null ? {} : { psi: pressure.cpu }),
    },
    memory: {
      cache: memory.fileBytes,
      usage: {
        usage: memory.totalBytes,
        failcnt: memory.limitHits,
        ...(memory.peakBytes === null ? {} : { max: memory.peakBytes }),
        ...(allowed?.limit === undefined ? {} : { limit: allowed.limit }),
      },
      ...(memory.swapBytes === null ? {} : { swap: { usage: memory.swapBytes } }),
      raw: { anon: memory.anonymousBytes, file: memory.fileBytes, oom_kill: memory.oomKills },
      ...(pressure.memory === null ? {} : { psi: pressure.memory }),
    },
    pids: { current: usage.pids, ...(pids === undefined ? {} : { limit: pids.limit }) },
    blkio: { ...describeIo(usage.io), ...(pressure.io === null ? {} : { psi: pressure.io }) },
    hugetlb: Object.fromEntries(Object.entries(usage.hugepages ?? {}).map(([size, used]) => [size, { usage: used }])),
  };
}

function describeIo(io: IoUsage | null): Readonly<Record<string, unknown>> {
  const entries = (read: 'readBytes' | 'reads', write: 'writtenBytes' | 'writes'): readonly unknown[] =>
    (io?.devices ?? []).flatMap((device) => {
      const [major, minor] = device.device.split(':').map(Number);
      return [
        { major, minor, op: 'Read', value: device[read] },
        { major, minor, op: 'Write', value: device[write] },
      ];
    });
  return {
    ioServiceBytesRecursive: entries('readBytes', 'writtenBytes'),
    ioServicedRecursive: entries('reads', 'writes'),
  };
}
