import type { ContainerExit, ContainerRef, ObservedContainer } from '../backend.ts';
import { isContainerAlive, isShimAlive } from '../container/is-alive.ts';
import type { BackendContext } from '../context.ts';
import { writeDurably } from '../files/durable.ts';
import { signalName } from '../process/signals.ts';
import { groupOf } from '../records/layout.ts';
import { type ContainerRecord, type ExitRecord, readExit } from '../records/records.ts';

/** What reading one container's record came to. */
export type ContainerFindings =
  | { readonly state: 'found'; readonly container: ObservedContainer }
  | { readonly state: 'absent' | 'invalid' };

/** Observes one container: its record, whether its process lives, its exit record and its cgroup's limits. */
export async function observeContainer(context: BackendContext, ref: ContainerRef): Promise<ContainerFindings> {
  const found = await context.records.container(ref);
  if (found.state !== 'found') return { state: found.state };
  const { record } = found;
  const exit = await exitOf(context, record);
  const init = record.running?.init ?? null;
  if (exit === null && init !== null) context.liveness.track(groupOf(ref), init);
  const container: ObservedContainer = {
    sandboxId: ref.sandboxId,
    name: ref.name,
    labels: record.labels,
    state: exit === null ? await stateOfRunning(context, ref) : 'exited',
    pid: exit === null ? (init?.pid ?? null) : null,
    startedAt: record.startedAt,
    exit,
    clamped: record.clamped,
    applied: record.applied,
    kernel: await context.cgroups.read(groupOf(ref), record.applied),
  };
  return { state: 'found', container };
}

async function stateOfRunning({ cgroups }: BackendContext, ref: ContainerRef): Promise<'running' | 'paused'> {
  return (await cgroups.isFrozen(groupOf(ref))) ? 'paused' : 'running';
}

/** Null while it runs, and for the moment between its end and its shim's last word. */
async function exitOf(context: BackendContext, record: ContainerRecord): Promise<ContainerExit | null> {
  if (await isContainerAlive(context, record)) return null;
  const isAwaited = await isShimAlive(context, record);
  const exitPath = context.layout.exitFile(record, record.attempt);
  const found = readExit(exitPath);
  if (found.state !== 'found') return isAwaited ? null : noteLost(exitPath);
  return describeExit(found.record, await wasOomKilled(context, record));
}

function describeExit(exit: ExitRecord, oomKilled: boolean): ContainerExit {
  const isLost = exit.code < 0 && exit.signal === 0;
  return {
    code: exit.code < 0 ? null : exit.code,
    signal: exit.signal === 0 ? null : signalName(exit.signal),
    oomKilled,
    lost: isLost,
    finishedAt: exit.finishedAt,
  };
}

/** Nobody will tell when it ended: the moment it was noticed is kept, so that it stays the same from now on. */
async function noteLost(exitPath: string): Promise<ContainerExit> {
  const exit: ExitRecord = { code: -1, signal: 0, finishedAt: Date.now(), droppedLogLines: 0 };
  await writeDurably(exitPath, JSON.stringify(exit));
  return describeExit(exit, false);
}

async function wasOomKilled(context: BackendContext, record: ContainerRecord): Promise<boolean> {
  return (await context.cgroups.oomKills(groupOf(record))) > record.oomKillsBefore;
}
