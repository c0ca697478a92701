import { setTimeout as sleep } from 'node:timers/promises';
import type { GroupUsage } from '../../cgroup/usage.ts';
import { BackendError } from '../../errors.ts';
import { openGroup } from '../container/groups.ts';
import type { ContainerState } from '../container/state.ts';
import { statusOf } from '../container/status.ts';
import { describeUsage } from '../container/usage-report.ts';
import { expectStatus, type RuntimeContext } from '../runtime-context.ts';

export interface EventsOptions {
  readonly intervalMs: number;
  /** Tells what it uses now, and comes back. */
  readonly isOnce: boolean;
  /** Gets one event after another. */
  readonly tell: (event: Readonly<Record<string, unknown>>) => void;
}

/** How soon the kernel's word on memory that ran out is passed on, and the end of the container noticed. */
const LOOK_MS = 200;

/**
 * Tells what a container uses, again and again, and each time it ran out of memory, until it has stopped.
 * @throws BackendError `not-found`, or `invalid-spec` for one that has stopped already.
 */
export async function watchEvents(context: RuntimeContext, id: string, options: EventsOptions): Promise<void> {
  const { tell, intervalMs } = options;
  const container = await expectStatus(context, id, ['created', 'running', 'paused']);
  const first = await usageOf(container);
  if (first === null)
    throw new BackendError('not-found', 'read stats', `container ${JSON.stringify(id)} has no cgroup`);
  tell({ type: 'stats', id, data: describeUsage(first, container.resources) });
  if (options.isOnce) return;
  let oomKills = first.memory.oomKills;
  for (let nextAt = performance.now() + intervalMs; ; ) {
    await sleep(Math.min(LOOK_MS, intervalMs));
    const usage = await usageOf(container);
    if (usage !== null && usage.memory.oomKills > oomKills) {
      oomKills = usage.memory.oomKills;
      tell({ type: 'oom', id });
    }
    if (usage === null || (await hasStopped(context, id))) return;
    if (performance.now() < nextAt) continue;
    nextAt += intervalMs;
    tell({ type: 'stats', id, data: describeUsage(usage, (await latest(context, id, container)).resources) });
  }
}

async function usageOf({ cgroupPath }: ContainerState): Promise<GroupUsage | null> {
  return (await openGroup(cgroupPath)).usage();
}

/** With the limits of the last update. */
function latest({ store }: RuntimeContext, id: string, before: ContainerState): Promise<ContainerState> {
  return store.load(id).catch(() => before);
}

async function hasStopped({ store }: RuntimeContext, id: string): Promise<boolean> {
  try {
    return (await statusOf(await store.load(id), store.directoryOf(id))) === 'stopped';
  } catch (error) {
    if (error instanceof BackendError && error.code === 'not-found') return true;
    throw error;
  }
}
