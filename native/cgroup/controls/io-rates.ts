import { join } from 'node:path';
import { BackendError } from '../../errors.ts';
import type { IoDeviceLimits, Limits } from '../../limits.ts';
import { readControl, writeControl } from '../files.ts';
import { deviceNumbers } from './block-device.ts';
import { cannotHold, type DirectoryOf, isSet, type LimitControl } from './control.ts';

const RATES = ['readBytesPerSecond', 'writeBytesPerSecond', 'readsPerSecond', 'writesPerSecond'] as const;
type Rate = (typeof RATES)[number];

const V1_FILES: Readonly<Record<Rate, string>> = {
  readBytesPerSecond: 'blkio.throttle.read_bps_device',
  writeBytesPerSecond: 'blkio.throttle.write_bps_device',
  readsPerSecond: 'blkio.throttle.read_iops_device',
  writesPerSecond: 'blkio.throttle.write_iops_device',
};
const V2_KEYS: Readonly<Record<Rate, string>> = {
  readBytesPerSecond: 'rbps',
  writeBytesPerSecond: 'wbps',
  readsPerSecond: 'riops',
  writesPerSecond: 'wiops',
};

/** Rates of devices through v1's four files (kernel Documentation/admin-guide/cgroup-v1/blkio-controller.rst); 0 is none. */
export function ioRatesV1(directoryOf: DirectoryOf): LimitControl {
  return {
    ...asked,
    controller: null,
    write: async (group, limits, before) => {
      for (const [device, numbers] of devicesOf(limits, before)) {
        const wanted = find(limits, device);
        for (const rate of RATES) {
          if (!isSet(wanted?.[rate]) && !isSet(find(before, device)?.[rate])) continue;
          await writeRate(join(directoryOf(group), V1_FILES[rate]), device, `${numbers} ${wanted?.[rate] ?? 0}`);
        }
      }
      return [];
    },
    read: async (group, limits) => {
      const texts = new Map<Rate, string>();
      for (const rate of RATES) {
        if (!limits.ioDevices?.some((device) => isSet(device[rate]))) continue;
        texts.set(rate, (await readControl(join(directoryOf(group), V1_FILES[rate]))) ?? '');
      }
      return readDevices(limits, (numbers, rate) => numberAfter(texts.get(rate) ?? '', `^${numbers} `));
    },
  };
}

/** The same through `io.max`, a line for each device. */
export function ioRatesV2(directoryOf: DirectoryOf): LimitControl {
  return {
    ...asked,
    controller: null,
    write: async (group, limits, before) => {
      for (const [device, numbers] of devicesOf(limits, before)) {
        const wanted = find(limits, device);
        if (RATES.some((rate) => wanted?.[rate] === 1)) {
          throw cannotHold(`ioDevices ${JSON.stringify(device)}`, 'on cgroup v2 the least rate is 2 a second');
        }
        const rates = RATES.map((rate) => `${V2_KEYS[rate]}=${wanted?.[rate] ?? 'max'}`);
        await writeRate(join(directoryOf(group), 'io.max'), device, `${numbers} ${rates.join(' ')}`);
      }
      return [];
    },
    read: async (group, limits) => {
      const text = (await readControl(join(directoryOf(group), 'io.max'))) ?? '';
      return readDevices(limits, (numbers, rate) => numberAfter(text, `^${numbers} .*\\b${V2_KEYS[rate]}=`));
    },
  };
}

const asked = {
  hierarchy: null,
  isAsked: ({ ioDevices }: Pick<Limits, 'ioDevices'>) => isSet(ioDevices),
} as const;

function hasRate(device: IoDeviceLimits): boolean {
  return RATES.some((rate) => isSet(device[rate]));
}

/** Every device with a rate, by the name it was asked for. One that was limited before may be gone from the node. */
function devicesOf(limits: Limits, before: Limits): ReadonlyMap<string, string> {
  const numbers = new Map<string, string>();
  for (const { device } of limits.ioDevices?.filter(hasRate) ?? []) numbers.set(device, deviceNumbers(device));
  for (const { device } of before.ioDevices?.filter(hasRate) ?? []) {
    if (!numbers.has(device) && isThere(device)) numbers.set(device, deviceNumbers(device));
  }
  return numbers;
}

function isThere(device: string): boolean {
  try {
    return deviceNumbers(device) !== '';
  } catch {
    return false;
  }
}

function find({ ioDevices }: Limits, device: string): IoDeviceLimits | undefined {
  return ioDevices?.find((each) => each.device === device);
}

async function writeRate(path: string, device: string, line: string): Promise<void> {
  try {
    await writeControl(path, line);
  } catch (cause) {
    const isOfDevice =
      cause instanceof BackendError && ['ENODEV', 'ENXIO', 'EOPNOTSUPP', 'EINVAL'].includes(cause.errno ?? '');
    if (!isOfDevice) throw cause;
    const why = 'the kernel limits no such device; name a whole disk, not a partition';
    throw cannotHold(`ioDevices ${JSON.stringify(device)}`, why, cause);
  }
}

/** A device's weight is told as asked: where no scheduler heeds it the kernel does not keep it. */
function readDevices(
  { ioDevices = [] }: Limits,
  rateOf: (numbers: string, rate: Rate) => number | null,
): Pick<Limits, 'ioDevices'> {
  const found = ioDevices.map((asked) => {
    const numbers = isThere(asked.device) ? deviceNumbers(asked.device) : '';
    const rates = RATES.flatMap((rate) => {
      const value = numbers === '' || !isSet(asked[rate]) ? null : rateOf(numbers, rate);
      return value === null ? [] : [[rate, value] as const];
    });
    return {
      device: asked.device,
      ...Object.fromEntries(rates),
      ...(isSet(asked.weight) ? { weight: asked.weight } : {}),
    };
  });
  return { ioDevices: found as readonly IoDeviceLimits[] };
}

function numberAfter(text: string, prefix: string): number | null {
  const [, digits] = new RegExp(`${prefix}(\\d+)`, 'm').exec(text) ?? [];
  return digits === undefined ? null : Number(digits);
}
