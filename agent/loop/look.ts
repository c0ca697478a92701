import { removeEndedDebug } from '../debug/remove-ended.ts';
import { toFailure } from '../execute/to-failure.ts';
import type { Failure } from '../reconcile/failure.ts';
import { isConverged } from '../reconcile/plan.ts';
import type { Telemetry } from '../telemetry/index.ts';
import { applyPlan } from './apply.ts';
import type { Look, LookCause } from './heartbeat.ts';
import type { Reporter } from './reporter.ts';
import { type Snapshot, type SnapshotPorts, takeSnapshot } from './snapshot.ts';

/** Looks at the node, tells what it saw, and starts what follows from it. */
export interface Looker {
  /** One look. Never rejects: a failed one is told, and the next one comes. */
  look(cause: LookCause): Promise<Look>;
  /** What the last look that worked saw; null before the first revision. */
  snapshot(): Snapshot | null;
}

export interface LookPorts extends SnapshotPorts {
  readonly reporter: Reporter;
  readonly telemetry: Telemetry;
  /** Look again at this time (milliseconds since the epoch). */
  readonly lookAt: (time: number) => void;
  /** Told what went wrong with the look itself, or null, before its work is over. */
  readonly onLooked: (failure: Failure | null) => Promise<void>;
}

/** Makes a looker that has seen nothing yet. */
export function createLooker(ports: LookPorts): Looker {
  const { board, floor, reporter, telemetry, now } = ports;
  let snapshot: Snapshot | null = null;

  const lookAtNode = async (cause: LookCause): Promise<Look> => {
    const busy = floor.busy();
    board.retryDue(now());
    snapshot = await planned(cause, ports, () => takeSnapshot(ports, snapshot?.drift ?? [], busy));
    // What became due meanwhile: the plan takes it for being tried.
    board.retryDue(now());
    if (snapshot === null) return { settled: Promise.resolve() };
    const { desired, drift, plan } = snapshot;
    reporter.verdicts(desired);
    reporter.drift(drift, desired.revision);
    for (const { until } of plan.waiting) if (until !== null) ports.lookAt(until);
    await removeEndedDebug(ports.backend, snapshot.observed.pods);
    return { settled: applyPlan(floor, telemetry, plan, busy) };
  };

  return {
    snapshot: () => snapshot,
    /** The second of the two places where adapter errors are caught. */
    look: async (cause) => {
      const started = performance.now();
      let failure: Failure | null = null;
      const looked = await lookAtNode(cause).catch((error): Look => {
        failure = toFailure(error);
        return { settled: Promise.resolve() };
      });
      failure ??= snapshot?.failure ?? null;
      reporter.looked({
        failure,
        isConverged: snapshot !== null && isConverged(snapshot.plan),
        seconds: (performance.now() - started) / 1_000,
        endedAt: now(),
      });
      await ports.onLooked(failure);
      return looked;
    },
  };
}

/** A look that somebody waits for is part of that one's trace; those that come every second are not worth one. */
function planned(
  cause: LookCause,
  { board, telemetry }: LookPorts,
  take: () => Promise<Snapshot | null>,
): Promise<Snapshot | null> {
  const revision = board.desired()?.revision;
  if (cause === 'beat' || revision === undefined) return take();
  return telemetry.span('holdfast.plan', { 'vcs.ref.head.revision': revision }, async (span) => {
    const snapshot = await take();
    span.set({ 'holdfast.plan.steps': snapshot?.plan.steps.length });
    return snapshot;
  });
}
