import { dirname, join } from 'node:path';
import { BackendError } from '../../errors.ts';
import type { Base } from '../base.ts';
import { readControl, writeControl } from '../files.ts';
import { canonicalNumberList, parseNumberList } from '../number-list.ts';
import { cannotHold, isSet, type LimitControl } from './control.ts';

const KINDS = ['cpus', 'mems'] as const;

/** CPUs and memory nodes through v1's cpuset (cpuset(7)): a group always has a list, which is within its parent's. */
export function cpusetV1(hierarchy: Base): LimitControl {
  return {
    ...asked,
    hierarchy,
    controller: null,
    write: async (group, limits, before) => {
      for (const kind of KINDS) {
        if (!isSet(limits[kind]) && !isSet(before[kind])) continue;
        const file = join(hierarchy.directory, group, `cpuset.${kind}`);
        const above = (await readControl(join(dirname(dirname(file)), `cpuset.${kind}`))) ?? '';
        const list = limits[kind] ?? above;
        refuseOthers(kind, list, above);
        await writeControl(file, list);
      }
      return [];
    },
    read: async (group, limits) => readLists(join(hierarchy.directory, group), limits),
  };
}

/** The same through v2's controller, whose groups take their parent's list unless they have one. */
export function cpusetV2(base: Base): LimitControl {
  return {
    ...asked,
    hierarchy: null,
    controller: { name: 'cpuset', base },
    write: async (group, limits, before) => {
      for (const kind of KINDS) {
        if (!isSet(limits[kind]) && !isSet(before[kind])) continue;
        const file = join(base.directory, group, `cpuset.${kind}`);
        const above = (await readControl(join(dirname(dirname(file)), `cpuset.${kind}.effective`))) ?? '';
        if (limits[kind] != null) refuseOthers(kind, limits[kind], above);
        if (limits[kind] == null) await clear(file, above);
        else await writeControl(file, limits[kind]);
      }
      return [];
    },
    read: async (group, limits) => readLists(join(base.directory, group), limits),
  };
}

/** Older kernels (6.1) take no list from a group that has processes: there, it is given all that it may have. */
async function clear(file: string, above: string): Promise<void> {
  try {
    await writeControl(file, '\n');
  } catch (error) {
    if (!(error instanceof BackendError) || error.errno !== 'ENOSPC') throw error;
    await writeControl(file, above);
  }
}

const asked = {
  isAsked: ({ cpus, mems }: { cpus?: string | null; mems?: string | null }) => isSet(cpus) || isSet(mems),
} as const;

/** The kernel would take a list with numbers it has not, and run the container on others. */
function refuseOthers(kind: 'cpus' | 'mems', list: string, above: string): void {
  const there = new Set(parseNumberList(above));
  const others = (parseNumberList(list) ?? []).filter((number) => !there.has(number));
  if (others.length === 0) return;
  throw cannotHold(kind, `${others.join(', ')} is not among those this node has for us, ${above}`);
}

async function readLists(
  directory: string,
  limits: { readonly cpus?: string | null; readonly mems?: string | null },
): Promise<{ cpus?: string | null; mems?: string | null }> {
  const lists: { cpus?: string | null; mems?: string | null } = {};
  for (const kind of KINDS) {
    if (!isSet(limits[kind])) continue;
    const text = await readControl(join(directory, `cpuset.${kind}`));
    lists[kind] = text === null || text === '' ? null : canonicalNumberList(text);
  }
  return lists;
}
