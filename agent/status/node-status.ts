import type { Condition, ConditionType, NodeStatus, WorkloadStatus } from '../../manifests/index.ts';
import type { Drift } from '../drift/compare.ts';
import { isConverged, type Plan } from '../reconcile/plan.ts';
import type { DesiredState, ObservedState, PlanContext } from '../reconcile/state.ts';
import { volumeStatus } from './volume-status.ts';
import { workloadStatus } from './workload-status.ts';

/** All that a status is made from. */
export interface StatusInput {
  readonly node: string;
  readonly version: string;
  readonly sync: {
    readonly revision: NonNullable<NodeStatus['revision']> | null;
    readonly refused: NodeStatus['refused'];
    readonly hasPolled: boolean;
    readonly unreachable: { readonly code: string; readonly message: string } | null;
  };
  readonly snapshot: {
    readonly desired: DesiredState;
    readonly observed: ObservedState;
    readonly plan: Plan;
    readonly drift: readonly Drift[];
  } | null;
  /** An error of the loop itself; null when the last look worked. */
  readonly failure: string | null;
  readonly context: Pick<PlanContext, 'now' | 'settleMs'>;
}

/**
 * What the node says about itself. Pure.
 * @param before the status of before, for the times of the last transitions.
 */
export function nodeStatus(input: StatusInput, before: NodeStatus | null): NodeStatus {
  const { sync, snapshot, context } = input;
  const workloads = (snapshot?.desired.workloads ?? [])
    .map((workload) => workloadStatus(workload, snapshot?.observed.pods ?? [], snapshot?.plan as Plan, context))
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  const revision = sync.revision && {
    commit: sync.revision.commit,
    signer: sync.revision.signer,
    committedAt: sync.revision.committedAt,
  };
  const conditions = describe(input, workloads).map((condition): Condition => {
    const old = before?.conditions.find((candidate) => candidate.type === condition.type);
    const isSame = old?.status === condition.status;
    return { ...condition, lastTransitionTime: isSame ? old.lastTransitionTime : new Date(context.now).toISOString() };
  });
  const volumes = snapshot && {
    volumes: volumeStatus(snapshot.desired, snapshot.observed),
    volumeObstacle: snapshot.observed.volumeObstacle ?? null,
  };
  return {
    node: input.node,
    version: input.version,
    revision,
    refused: sync.refused,
    conditions,
    workloads,
    ...volumes,
  };
}

type Described = Omit<Condition, 'lastTransitionTime'>;

function describe(
  { sync, snapshot, failure }: StatusInput,
  workloads: readonly WorkloadStatus[],
): readonly Described[] {
  const notReady = workloads.filter((workload) => workload.state !== 'Ready');
  const denied = workloads.filter((workload) => workload.reason === 'PolicyDenied');
  const stuck = workloads.filter((workload) => workload.state === 'Blocked' || workload.state === 'Failed');
  const drifted = snapshot?.drift.length ?? 0;
  const isKnown = snapshot !== null;
  // The revision may be newer than the last look, and pods that Git has forgotten belong to no workload.
  const isSettled = isKnown && snapshot.desired.revision === sync.revision?.commit && isConverged(snapshot.plan);
  return [
    condition('Degraded', failure !== null, 'LoopFailed', failure ?? '', 'Working', 'the agent works as it should'),
    condition(
      'PolicyCompliant',
      denied.length === 0,
      'Compliant',
      'no workload is denied',
      'Denied',
      `denied: ${keys(denied)}`,
    ),
    condition(
      'Ready',
      isKnown && notReady.length === 0,
      'AllReady',
      'every workload runs as wanted',
      'NotReady',
      isKnown ? `not ready: ${keys(notReady)}` : 'no revision yet',
    ),
    sourceReachable(sync),
    sync.refused === null
      ? condition(
          'Stalled',
          stuck.length > 0,
          'WorkloadsStuck',
          `stuck: ${keys(stuck)}`,
          'Moving',
          'nothing needs a person',
        )
      : condition('Stalled', true, 'RevisionRefused', sync.refused.message, '', ''),
    condition(
      'Synced',
      isSettled && sync.refused === null && drifted === 0 && notReady.length === 0,
      'Synced',
      'the node runs what Git says',
      'OutOfSync',
      outOfSync(sync.refused, drifted),
    ),
  ];
}

function sourceReachable({ hasPolled, unreachable }: StatusInput['sync']): Described {
  const type = 'SourceReachable';
  if (!hasPolled) return { type, status: 'Unknown', reason: 'NotAsked', message: 'the source was not asked yet' };
  return unreachable === null
    ? { type, status: 'True', reason: 'Fetched', message: 'the last fetch worked' }
    : { type, status: 'False', reason: unreachable.code, message: unreachable.message };
}

function outOfSync(refused: NodeStatus['refused'], drifted: number): string {
  if (refused !== null) return `commit ${refused.commit.slice(0, 12)} was refused: ${refused.code}`;
  return drifted > 0 ? `${drifted} differences from Git` : 'on the way to the desired state';
}

function keys(workloads: readonly WorkloadStatus[]): string {
  return workloads.map((workload) => workload.key).join(', ');
}

function condition(
  type: ConditionType,
  holds: boolean,
  yes: string,
  yesMessage: string,
  no: string,
  noMessage: string,
): Described {
  return { type, status: holds ? 'True' : 'False', reason: holds ? yes : no, message: holds ? yesMessage : noMessage };
}
