import { join } from 'node:path';
import { readControl, writeControl } from '../files.ts';
import { sharesOfWeight, weightOfShares } from '../limits.ts';
import { type DirectoryOf, isSet, type LimitControl } from './control.ts';

const DEFAULT_SHARES = 1_024;
const DEFAULT_WEIGHT = 100;

/** The share of the CPU through v1's `cpu.shares` (kernel Documentation/scheduler/sched-design-CFS.rst). */
export function cpuSharesV1(directoryOf: DirectoryOf): LimitControl {
  const fileOf = (group: string): string => join(directoryOf(group), 'cpu.shares');
  return {
    ...asked,
    write: async (group, { cpuShares }) => {
      await writeControl(fileOf(group), String(cpuShares ?? DEFAULT_SHARES));
      return [];
    },
    read: async (group) => ({ cpuShares: toNumber(await readControl(fileOf(group))) }),
  };
}

/** The same through `cpu.weight`, from 1 to 10000: several shares come to one weight. */
export function cpuSharesV2(directoryOf: DirectoryOf): LimitControl {
  const fileOf = (group: string): string => join(directoryOf(group), 'cpu.weight');
  return {
    ...asked,
    write: async (group, { cpuShares }) => {
      await writeControl(
        fileOf(group),
        String(isSet(cpuShares) ? weightOfShares(cpuShares as number) : DEFAULT_WEIGHT),
      );
      return [];
    },
    read: async (group, { cpuShares }) => {
      const weight = toNumber(await readControl(fileOf(group)));
      if (weight === null) return { cpuShares: null };
      const isAsAsked = typeof cpuShares === 'number' && weightOfShares(cpuShares) === weight;
      return { cpuShares: isAsAsked ? cpuShares : sharesOfWeight(weight) };
    },
  };
}

const asked = {
  isAsked: ({ cpuShares }: { cpuShares?: number | null }) => isSet(cpuShares),
  hierarchy: null,
  controller: null,
} as const;

function toNumber(text: string | null): number | null {
  return text === null ? null : Number(text);
}
