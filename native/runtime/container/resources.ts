import type { RawWrite } from '../../cgroup/raw-control.ts';
import { BackendError } from '../../errors.ts';
import { type IoDeviceLimits, type Limits, UNLIMITED_SWAP } from '../../limits.ts';
import type { BundleResources } from '../config/resources-schema.ts';
import { deviceWrites } from './device-writes.ts';

/** What resources come to: limits as the backend has them, and control files it has no words for. */
export interface ResourcePlan {
  readonly limits: Limits;
  readonly writes: readonly RawWrite[];
}

const PERIOD_US = 100_000;

/** @returns what to do for resources. @throws BackendError `unsupported` naming what this version of cgroups does not have. */
export function planResources(resources: BundleResources, version: 1 | 2): ResourcePlan {
  const { blockIO, hugepageLimits = [], pids, cpu, memory } = resources;
  const quota = positive(cpu?.quota);
  const shares = positive(cpu?.shares);
  const limits: Limits = {
    memoryBytes: positive(memory?.limit),
    swapBytes: swapOf(memory),
    cpuMillis: quota === null ? null : Math.max(Math.round((quota * 1000) / (cpu?.period || PERIOD_US)), 1),
    cpuShares: shares === null ? null : Math.min(Math.max(shares, 2), 262_144),
    cpus: cpu?.cpus ?? null,
    mems: cpu?.mems ?? null,
    pids: positive(pids?.limit),
    ioWeight: positive(blockIO?.weight),
    ioDevices: devicesOf(blockIO),
    hugepages: Object.fromEntries(hugepageLimits.map(({ pageSize, limit }) => [pageSize, limit])),
  };
  const writes = version === 1 ? writesOfV1(resources) : writesOfV2(resources);
  return { limits, writes };
}

/** The specification counts memory and swap together. */
function swapOf(memory: BundleResources['memory']): number | null {
  const { swap, limit } = memory ?? {};
  if (swap === undefined || swap === 0) return null;
  if (positive(limit) === null) {
    if (swap < 0) return null;
    throw refusal('memory.swap', 'needs memory.limit beside it');
  }
  if (swap < 0) return UNLIMITED_SWAP;
  if (swap >= Number(limit)) return swap - Number(limit);
  throw refusal('memory.swap', 'counts memory and swap together, and must not be below memory.limit');
}

function devicesOf(blockIO: BundleResources['blockIO']): readonly IoDeviceLimits[] {
  const devices = new Map<string, Record<string, number>>();
  const put = (key: string, { major, minor }: { major: number; minor: number }, value: number | undefined): void => {
    if (value === undefined || value === 0) return;
    const device = `${major}:${minor}`;
    devices.set(device, { ...devices.get(device), [key]: value });
  };
  for (const each of blockIO?.weightDevice ?? []) put('weight', each, each.weight);
  for (const each of blockIO?.throttleReadBpsDevice ?? []) put('readBytesPerSecond', each, each.rate);
  for (const each of blockIO?.throttleWriteBpsDevice ?? []) put('writeBytesPerSecond', each, each.rate);
  for (const each of blockIO?.throttleReadIOPSDevice ?? []) put('readsPerSecond', each, each.rate);
  for (const each of blockIO?.throttleWriteIOPSDevice ?? []) put('writesPerSecond', each, each.rate);
  return [...devices].map(([device, limits]) => ({ device, ...limits }));
}

function writesOfV1({ memory, cpu, network, unified, devices }: BundleResources): readonly RawWrite[] {
  if (unified !== undefined && Object.keys(unified).length > 0) {
    throw refusal('unified', 'is for cgroup v2, and this node has v1');
  }
  const { reservation, swappiness, kernel, kernelTCP, disableOOMKiller } = memory ?? {};
  const of = (controller: string) => (field: string, file: string, value: number | undefined) =>
    value === undefined || value === 0 ? [] : [{ field, controller, file, value: String(value) }];
  const [inMemory, inCpu] = [of('memory'), of('cpu')];
  return [
    ...inMemory('memory.reservation', 'memory.soft_limit_in_bytes', reservation),
    ...inMemory('memory.kernel', 'memory.kmem.limit_in_bytes', kernel),
    ...inMemory('memory.kernelTCP', 'memory.kmem.tcp.limit_in_bytes', kernelTCP),
    ...given('memory.swappiness', 'memory', 'memory.swappiness', swappiness),
    ...given(
      'memory.disableOOMKiller',
      'memory',
      'memory.oom_control',
      disableOOMKiller === undefined ? undefined : Number(disableOOMKiller),
    ),
    ...exactQuotaV1(cpu),
    ...given('cpu.burst', 'cpu', 'cpu.cfs_burst_us', cpu?.burst),
    ...inCpu('cpu.realtimePeriod', 'cpu.rt_period_us', cpu?.realtimePeriod),
    ...inCpu('cpu.realtimeRuntime', 'cpu.rt_runtime_us', cpu?.realtimeRuntime),
    ...given('cpu.idle', 'cpu', 'cpu.idle', cpu?.idle),
    ...given('network.classID', 'net_cls', 'net_cls.classid', network?.classID),
    ...(network?.priorities ?? []).map(({ name, priority }) => ({
      ...{ field: 'network.priorities', controller: 'net_prio', file: 'net_prio.ifpriomap' },
      value: `${name} ${priority}`,
    })),
    ...deviceWrites(devices),
  ];
}

/** A quota to the microsecond. The kernel refuses a period that makes the quota of before too large. */
function exactQuotaV1(cpu: BundleResources['cpu']): readonly RawWrite[] {
  const quota = positive(cpu?.quota);
  if (!cpu?.period && quota === null) return [];
  const write = (file: string, value: number): RawWrite => ({
    field: 'cpu.period',
    controller: 'cpu',
    file,
    value: String(value),
  });
  return [
    write('cpu.cfs_quota_us', -1),
    write('cpu.cfs_period_us', cpu?.period || PERIOD_US),
    ...(quota === null ? [] : [write('cpu.cfs_quota_us', quota)]),
  ];
}

function writesOfV2({ memory, cpu, network, unified = {} }: BundleResources): readonly RawWrite[] {
  const missing = {
    'memory.swappiness': memory?.swappiness !== undefined,
    'memory.kernel': positive(memory?.kernel) !== null,
    'memory.kernelTCP': positive(memory?.kernelTCP) !== null,
    'memory.disableOOMKiller': memory?.disableOOMKiller === true,
    'cpu.realtimePeriod': (cpu?.realtimePeriod ?? 0) !== 0,
    'cpu.realtimeRuntime': (cpu?.realtimeRuntime ?? 0) !== 0,
    'network.classID': (network?.classID ?? 0) !== 0,
    'network.priorities': (network?.priorities ?? []).length > 0,
  };
  const [field] = Object.entries(missing).find(([, isAsked]) => isAsked) ?? [];
  if (field !== undefined) throw refusal(field, 'is for cgroup v1, and this node has v2');
  const quota = positive(cpu?.quota);
  const reservation = memory?.reservation || undefined;
  return [
    ...given(
      'memory.reservation',
      'memory',
      'memory.low',
      reservation === undefined || reservation > 0 ? reservation : 'max',
    ),
    ...given(
      'cpu.period',
      'cpu',
      'cpu.max',
      cpu?.period || quota !== null ? `${quota ?? 'max'} ${cpu?.period || PERIOD_US}` : undefined,
    ),
    ...given('cpu.burst', 'cpu', 'cpu.max.burst', cpu?.burst),
    ...given('cpu.idle', 'cpu', 'cpu.idle', cpu?.idle),
    ...Object.entries(unified).map(([file, value]) => ({
      ...{ field: `unified ${JSON.stringify(file)}`, controller: file.slice(0, file.indexOf('.')), file, value },
    })),
  ];
}

function given(
  field: string,
  controller: string,
  file: string,
  value: number | string | undefined,
): readonly RawWrite[] {
  return value === undefined ? [] : [{ field, controller, file, value: String(value) }];
}

/** Zero and -1 stand for no limit. */
function positive(value: number | undefined): number | null {
  return value !== undefined && value > 0 ? value : null;
}

function refusal(field: string, why: string): BackendError {
  return new BackendError('unsupported', 'limits', `linux.resources.${field}: ${why}`);
}
