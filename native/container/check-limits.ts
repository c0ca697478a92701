import { hugePageBytes } from '../cgroup/limits.ts';
import { parseNumberList } from '../cgroup/number-list.ts';
import type { IoDeviceLimits, Limits } from '../limits.ts';
import { expectField, isWithin } from './check-field.ts';

const DEVICE = /^(?:\d{1,4}:\d{1,7}|\/dev\/[\w./:+-]{1,200})$/;
const RATES = ['readBytesPerSecond', 'writeBytesPerSecond', 'readsPerSecond', 'writesPerSecond'] as const;

/** @throws BackendError `invalid-spec` naming the field. */
export function checkLimits(limits: Limits): void {
  for (const field of ['memoryBytes', 'cpuMillis', 'pids', 'memoryHighBytes'] as const) {
    expectField(isPositive(limits[field]), field, limits[field], 'a whole number above 0, or null');
  }
  const { memoryBytes, memoryHighBytes, swapBytes, cpuShares, ioWeight, hugepages = {} } = limits;
  const isBelow = memoryHighBytes == null || memoryBytes === null || memoryHighBytes <= memoryBytes;
  expectField(isBelow, 'memoryHighBytes', memoryHighBytes, 'at most memoryBytes');
  expectField(
    swapBytes == null || isWithin(swapBytes, 0, MOST),
    'swapBytes',
    swapBytes,
    'a whole number from 0, or null',
  );
  expectField(swapBytes == null || memoryBytes !== null, 'swapBytes', swapBytes, 'memoryBytes beside it');
  expectField(cpuShares == null || isWithin(cpuShares, 2, 262_144), 'cpuShares', cpuShares, '2 to 262144, or null');
  expectField(isWeight(ioWeight), 'ioWeight', ioWeight, '10 to 1000, or null');
  for (const field of ['cpus', 'mems'] as const) {
    const list = limits[field];
    expectField(list == null || parseNumberList(list) !== null, field, list, 'a list such as 0-3,6, or null');
  }
  checkDevices(limits.ioDevices ?? []);
  for (const [size, bytes] of Object.entries(hugepages)) {
    const page = hugePageBytes(size);
    expectField(page !== null, 'hugepages', size, 'sizes such as 2MB or 1GB');
    expectField(isWithin(bytes, 0, MOST), `hugepages.${size}`, bytes, 'a whole number of bytes');
  }
}

const MOST = Number.MAX_SAFE_INTEGER;

function checkDevices(devices: readonly IoDeviceLimits[]): void {
  const seen = new Set<string>();
  for (const { device, weight, ...rates } of devices) {
    expectField(
      DEVICE.test(device) && !device.includes('..'),
      'ioDevices',
      device,
      'numbers such as 8:0, or a path below /dev',
    );
    expectField(!seen.has(device), 'ioDevices', device, 'each device once');
    seen.add(device);
    for (const rate of RATES) {
      expectField(
        isPositive(rates[rate]),
        `ioDevices ${device} ${rate}`,
        rates[rate],
        'a whole number above 0, or null',
      );
    }
    expectField(isWeight(weight), `ioDevices ${device} weight`, weight, '10 to 1000, or null');
  }
}

function isPositive(value: number | null | undefined): boolean {
  return value == null || isWithin(value, 1, MOST);
}

function isWeight(value: number | null | undefined): boolean {
  return value == null || isWithin(value, 10, 1000);
}
