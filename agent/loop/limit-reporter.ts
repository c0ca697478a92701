import type { WorkloadKey } from '../../manifests/index.ts';
import type { LimitEvent } from '../../native/index.ts';
import type { Telemetry } from '../telemetry/index.ts';

const SPELL_MS = 60_000;

export interface LimitReporterPorts {
  readonly telemetry: Telemetry;
  /** @returns the workload whose pod a sandbox is; undefined for one that is not known. */
  readonly workloadOf: (sandboxId: string) => WorkloadKey | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Tells that containers met their limits, as an event and in a counter, when a spell begins, which ends after a minute
 * without. Every kill for want of memory is told.
 */
export function createLimitReporter(ports: LimitReporterPorts): (events: readonly LimitEvent[]) => void {
  const { telemetry, workloadOf, now } = ports;
  const lastSeen = new Map<string, number>();
  return (events) => {
    for (const [key, at] of lastSeen) if (at + SPELL_MS < now()) lastSeen.delete(key);
    for (const { sandboxId, name, kind, count } of events) {
      const key = `${sandboxId}/${name} ${kind}`;
      const isGoingOn = lastSeen.has(key);
      lastSeen.set(key, now());
      const workload = workloadOf(sandboxId);
      if (workload === undefined || (isGoingOn && kind !== 'oom-kill')) continue;
      telemetry.add('holdfast.workload.limit.events', 1, { 'holdfast.workload.name': workload });
      telemetry.emit({
        name: 'holdfast.workload.limit.reached',
        attributes: {
          'holdfast.workload.name': workload,
          'container.id': `${sandboxId}/${name}`,
          'holdfast.limit.kind': kind,
          'holdfast.limit.count': count,
        },
      });
    }
  };
}
