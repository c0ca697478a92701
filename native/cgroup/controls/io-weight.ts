import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackendError } from '../../errors.ts';
import type { Limits } from '../../limits.ts';
import type { Base } from '../base.ts';
import { readControl, writeControl } from '../files.ts';
import { costWeightOf, ioWeightOfCost } from '../limits.ts';
import { deviceNumbers, heedsAnyWeights } from './block-device.ts';
import { type DirectoryOf, isSet, type LimitControl } from './control.ts';

/** Files that hold the weight of a group and of devices, and their scale. */
interface WeightFile {
  readonly group: string;
  readonly device: string;
  readonly toKernel: (weight: number) => number;
  readonly toWeight: (kernel: number) => number;
}

const same = (weight: number): number => weight;
const V1_FILES: readonly WeightFile[] = [
  { group: 'blkio.bfq.weight', device: 'blkio.bfq.weight_device', toKernel: same, toWeight: same },
  { group: 'blkio.weight', device: 'blkio.weight_device', toKernel: same, toWeight: same },
];
const V2_FILES: readonly WeightFile[] = [
  { group: 'io.bfq.weight', device: 'io.bfq.weight', toKernel: same, toWeight: same },
  { group: 'io.weight', device: 'io.weight', toKernel: costWeightOf, toWeight: ioWeightOfCost },
];
/** On either scale. */
const DEFAULT_WEIGHT = 100;

/** Shares of the disks through v1's files, which a node has with the bfq scheduler (kernel Documentation/block/bfq-iosched.rst). */
export function ioWeightV1(directoryOf: DirectoryOf): LimitControl {
  return control(directoryOf, V1_FILES, () => false);
}

/** The same through v2's: of bfq, or of the cost model where it is on. */
export function ioWeightV2(base: Base): LimitControl {
  const qos = join(base.mount, 'io.cost.qos');
  const hasCosts = (): boolean => existsSync(qos) && /\benable=1\b/.test(readFileSync(qos, 'utf8'));
  return control((group) => join(base.directory, group), V2_FILES, hasCosts);
}

/** Where no disk heeds it a weight is kept by the kernel at most, and has no effect: it is reported as clamped. */
function control(directoryOf: DirectoryOf, files: readonly WeightFile[], hasCosts: () => boolean): LimitControl {
  const fileOf = (group: string): WeightFile | undefined =>
    files.find((file) => existsSync(join(directoryOf(group), file.group)));
  return {
    hierarchy: null,
    controller: null,
    isAsked,
    write: async (group, limits, before) => {
      const file = fileOf(group);
      if (file === undefined) return isAsked(limits) ? ['ioWeight'] : [];
      const directory = directoryOf(group);
      if (isSet(limits.ioWeight) || isSet(before.ioWeight)) {
        const weight = limits.ioWeight == null ? DEFAULT_WEIGHT : file.toKernel(limits.ioWeight);
        await writeControl(join(directory, file.group), String(weight));
      }
      const areDevicesHeard = await writeDevices(join(directory, file.device), file, weighed(limits));
      const isHeard = !isSet(limits.ioWeight) || heedsAnyWeights() || hasCosts();
      return isHeard && areDevicesHeard ? [] : ['ioWeight'];
    },
    read: async (group, { ioWeight }) => {
      const file = fileOf(group);
      if (ioWeight == null) return {};
      if (file === undefined) return { ioWeight };
      const text = await readControl(join(directoryOf(group), file.group));
      const [, digits] = /^(?:default )?(\d+)$/m.exec(text ?? '') ?? [];
      if (digits === undefined) return { ioWeight: null };
      const isAsAsked = file.toKernel(ioWeight) === Number(digits);
      return { ioWeight: isAsAsked ? ioWeight : file.toWeight(Number(digits)) };
    },
  };
}

function isAsked(limits: Limits): boolean {
  return isSet(limits.ioWeight) || weighed(limits).length > 0;
}

function weighed({ ioDevices = [] }: Limits): readonly { readonly device: string; readonly weight: number }[] {
  return ioDevices.flatMap(({ device, weight }) => (typeof weight === 'number' ? [{ device, weight }] : []));
}

/** @returns whether the kernel took all of them: it does from devices whose scheduler has weights. */
async function writeDevices(path: string, file: WeightFile, devices: ReturnType<typeof weighed>): Promise<boolean> {
  let isHeard = true;
  for (const { device, weight } of devices) {
    try {
      await writeControl(path, `${deviceNumbers(device)} ${file.toKernel(weight)}`);
    } catch (error) {
      if (!(error instanceof BackendError) || !REFUSALS.has(error.errno ?? '')) throw error;
      isHeard = false;
    }
  }
  return isHeard;
}

const REFUSALS: ReadonlySet<string> = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EINVAL', 'ENODEV', 'ENOENT']);
