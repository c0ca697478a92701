import { join } from 'node:path';
import { readControl, writeControlIfPresent, writeSlowControl } from '../files.ts';
import { cannotHold, type DirectoryOf, isSet, type LimitControl } from './control.ts';

/** At and above this a v1 memory limit is none: the kernel shows LONG_MAX rounded down to a page. */
export const UNLIMITED_BYTES: number = 2 ** 62;

/** v1 has no such limit; its soft limit takes memory back only when the node runs short. */
export function memoryHighV1(directoryOf: DirectoryOf): LimitControl {
  const fileOf = (group: string): string => join(directoryOf(group), 'memory.soft_limit_in_bytes');
  return {
    ...asked,
    write: async (group, { memoryHighBytes }) => {
      await writeControlIfPresent(fileOf(group), memoryHighBytes == null ? '-1' : BigInt(memoryHighBytes).toString());
      return memoryHighBytes == null ? [] : ['memoryHigh'];
    },
    read: async (group, { memoryHighBytes = null }) => {
      const text = await readControl(fileOf(group));
      if (text === null) return { memoryHighBytes };
      return { memoryHighBytes: Number(text) >= UNLIMITED_BYTES ? null : Number(text) };
    },
  };
}

/** `memory.high` (kernel Documentation/admin-guide/cgroup-v2.rst). */
export function memoryHighV2(directoryOf: DirectoryOf): LimitControl {
  const fileOf = (group: string): string => join(directoryOf(group), 'memory.high');
  return {
    ...asked,
    write: async (group, { memoryHighBytes }) => {
      await writeSlowControl(fileOf(group), memoryHighBytes == null ? 'max' : BigInt(memoryHighBytes).toString());
      return [];
    },
    read: async (group) => {
      const text = await readControl(fileOf(group));
      if (text === null) throw cannotHold('memoryHighBytes', 'the kernel has no memory.high');
      return { memoryHighBytes: text === 'max' ? null : Number(text) };
    },
  };
}

const asked = {
  isAsked: ({ memoryHighBytes }: { memoryHighBytes?: number | null }) => isSet(memoryHighBytes),
  hierarchy: null,
  controller: null,
} as const;
