import type { NodeStatus, WorkloadState } from '../../manifests/index.ts';
import type { Telemetry } from '../telemetry/index.ts';

const WORKLOAD_STATES: readonly WorkloadState[] = ['Ready', 'Progressing', 'Blocked', 'Failed'];
const CONDITION_STATUSES = ['True', 'False', 'Unknown'] as const;

/** Shows a status as gauges (the level) and tells each workload's change of state as an event (the edge). */
export function reportStatus(telemetry: Telemetry, status: NodeStatus, before: NodeStatus | null): void {
  for (const state of WORKLOAD_STATES) {
    const count = status.workloads.filter((workload) => workload.state === state).length;
    telemetry.set('holdfast.workload.count', count, { 'holdfast.workload.state': state });
  }
  for (const condition of status.conditions) {
    for (const value of CONDITION_STATUSES) {
      telemetry.set('holdfast.node.condition', Number(condition.status === value), {
        'holdfast.node.condition.type': condition.type,
        'holdfast.node.condition.status': value,
      });
    }
  }
  for (const workload of status.workloads) {
    const old = before?.workloads.find((candidate) => candidate.key === workload.key);
    if (old?.state === workload.state) continue;
    telemetry.emit({
      name: 'holdfast.workload.state.changed',
      attributes: {
        'holdfast.workload.name': workload.key,
        'holdfast.workload.state': workload.state,
        'holdfast.workload.previous_state': old?.state,
        'holdfast.failure.reason': workload.state === 'Ready' ? undefined : workload.message,
        'vcs.ref.head.revision': status.revision?.commit,
      },
    });
  }
}
