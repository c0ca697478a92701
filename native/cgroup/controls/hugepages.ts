import { join } from 'node:path';
import { BackendError } from '../../errors.ts';
import type { Base } from '../base.ts';
import { readControl, writeControl, writeControlIfPresent } from '../files.ts';
import { cannotHold, isSet, type LimitControl } from './control.ts';
import { UNLIMITED_BYTES } from './memory-high.ts';

/** How a version names the files of one size. */
interface Words {
  readonly used: string;
  readonly reserved: string;
  readonly none: string;
}

/** Huge pages through v1's hierarchy (kernel Documentation/admin-guide/cgroup-v1/hugetlb.rst). */
export function hugepagesV1(hierarchy: Base): LimitControl {
  const words = { used: 'limit_in_bytes', reserved: 'rsvd.limit_in_bytes', none: '-1' };
  return control(hierarchy, words, { hierarchy, controller: null });
}

/** Huge pages through the v2 tree, which may have that controller when all others are on v1. */
export function hugepagesV2(base: Base): LimitControl {
  const words = { used: 'max', reserved: 'rsvd.max', none: 'max' };
  return control(base, words, { hierarchy: null, controller: { name: 'hugetlb', base } });
}

function control(base: Base, words: Words, where: Pick<LimitControl, 'hierarchy' | 'controller'>): LimitControl {
  const fileOf = (group: string, size: string, name: string): string =>
    join(base.directory, group, `hugetlb.${size}.${name}`);
  return {
    ...where,
    isAsked: ({ hugepages }) => isSet(hugepages),
    write: async (group, { hugepages = {} }, before) => {
      for (const size of new Set([...Object.keys(hugepages), ...Object.keys(before.hugepages ?? {})])) {
        const value = hugepages[size] === undefined ? words.none : BigInt(hugepages[size]).toString();
        await writeLimit(fileOf(group, size, words.used), size, value);
        await writeControlIfPresent(fileOf(group, size, words.reserved), value);
      }
      return [];
    },
    read: async (group, { hugepages = {} }) => {
      const found: Record<string, number> = {};
      for (const size of Object.keys(hugepages).sort()) {
        const text = await readControl(fileOf(group, size, words.used));
        if (text !== null && text !== 'max' && Number(text) < UNLIMITED_BYTES) found[size] = Number(text);
      }
      return { hugepages: found };
    },
  };
}

async function writeLimit(path: string, size: string, value: string): Promise<void> {
  try {
    await writeControl(path, value);
  } catch (cause) {
    if (!(cause instanceof BackendError) || cause.code !== 'not-found') throw cause;
    throw cannotHold(`hugepages.${size}`, 'this node has no huge pages of that size', cause);
  }
}
