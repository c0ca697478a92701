import type { ContainerRef, LimitEvent } from '../backend.ts';
import type { CgroupDriver } from '../cgroup/driver.ts';
import type { LimitCounts } from '../cgroup/limit-counts.ts';
import { groupOf } from '../records/layout.ts';
import type { RecordStore } from '../records/store.ts';

const SWEEP_MS = 5_000;

type Listener = (events: readonly LimitEvent[]) => void;

/** Tells when containers meet their limits, by comparing the kernel's counts now and then. */
export interface LimitEvents {
  /** @returns a function that ends the watch. */
  watch(onEvents: Listener): () => void;
  /** Tells what a container that is about to be removed met last: its group's counts go with it. */
  lastOf(ref: ContainerRef): Promise<void>;
}

interface Known {
  /** Start of the container the counts are of. */
  readonly attempt: number;
  readonly counts: LimitCounts;
}

/** @returns events for nobody yet; nothing is read while nobody watches. */
export function createLimitEvents(cgroups: CgroupDriver, records: RecordStore): LimitEvents {
  const listeners = new Set<Listener>();
  const known = new Map<string, Known>();
  let sweeping: NodeJS.Timeout | undefined;
  let isFirst = true;

  const read = async (ref: ContainerRef): Promise<readonly LimitEvent[]> => {
    const found = await records.container(ref);
    const counts = found.state === 'found' ? await cgroups.limitCounts(groupOf(ref)) : null;
    if (found.state !== 'found' || counts === null) {
      known.delete(groupOf(ref));
      return [];
    }
    const { attempt } = found.record;
    const before = known.get(groupOf(ref));
    known.set(groupOf(ref), { attempt, counts });
    // What was counted before the watch began is no news; a container started since began with nothing.
    const base = before === undefined ? (isFirst ? counts : null) : before.attempt === attempt ? before.counts : null;
    return eventsBetween(ref, base, counts);
  };
  const tell = (events: readonly LimitEvent[]): void => {
    if (events.length > 0) for (const listener of listeners) listener(events);
  };
  const sweep = async (): Promise<void> => {
    const events: LimitEvent[] = [];
    for (const sandboxId of await records.sandboxIds()) {
      for (const name of await records.containerNames(sandboxId)) events.push(...(await read({ sandboxId, name })));
    }
    isFirst = false;
    tell(events);
  };
  return {
    watch: (onEvents) => {
      listeners.add(onEvents);
      if (sweeping === undefined) {
        isFirst = true;
        const now = (): Promise<void> => sweep().catch(() => undefined);
        void now();
        sweeping = setInterval(now, SWEEP_MS);
      }
      return () => {
        listeners.delete(onEvents);
        if (listeners.size > 0) return;
        clearInterval(sweeping);
        sweeping = undefined;
        known.clear();
      };
    },
    lastOf: async (ref) => {
      if (listeners.size === 0) return;
      tell(await read(ref));
      known.delete(groupOf(ref));
    },
  };
}

const KINDS = {
  memoryHigh: 'memory-high',
  memoryMax: 'memory-max',
  oomKill: 'oom-kill',
  pidsMax: 'pids-max',
  cpuThrottled: 'cpu-throttled',
} as const satisfies { readonly [Count in keyof LimitCounts]: LimitEvent['kind'] };

function eventsBetween(
  { sandboxId, name }: ContainerRef,
  before: LimitCounts | null,
  now: LimitCounts,
): readonly LimitEvent[] {
  return (Object.keys(KINDS) as (keyof LimitCounts)[]).flatMap((key) => {
    const count = now[key] - (before?.[key] ?? 0);
    return count > 0 ? [{ sandboxId, name, kind: KINDS[key], count }] : [];
  });
}
