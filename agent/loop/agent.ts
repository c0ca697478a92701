import type { NodeStatus, WorkloadKey } from '../../manifests/index.ts';
import type { ContainerBackend } from '../../native/index.ts';
import type { PolicyEngine } from '../../policies/index.ts';
import type { Drift } from '../drift/compare.ts';
import { createExecutor, type ExecutorPorts } from '../execute/executor.ts';
import { toFailure } from '../execute/to-failure.ts';
import type { ImageSource } from '../images/image-source.ts';
import type { Plan } from '../reconcile/plan.ts';
import type { PlanContext, Version } from '../reconcile/state.ts';
import type { ManifestFile, Source } from '../source/index.ts';
import type { StateFiles } from '../state/state-files.ts';
import type { StatusInput } from '../status/node-status.ts';
import { createStatusPublisher } from '../status/publisher.ts';
import { reportStatus } from '../status/status-telemetry.ts';
import type { Telemetry } from '../telemetry/index.ts';
import { applyPlan, traced } from './apply.ts';
import { createDesiredBoard } from './desired-board.ts';
import { createHeartbeat } from './heartbeat.ts';
import { type Preview, preview } from './preview.ts';
import { createReporter } from './reporter.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import { createSync } from './sync.ts';
import { createWorkFloor } from './work-floor.ts';

/** Everything one node's agent is made of. */
export interface AgentPorts {
  readonly node: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly version: string;
  readonly source: Source;
  readonly branch: string;
  readonly images: ImageSource;
  readonly engine: PolicyEngine;
  readonly backend: ContainerBackend;
  readonly telemetry: Telemetry;
  readonly state: StateFiles;
  /** Versions that ran well before this start. */
  readonly lastGood: ReadonlyMap<WorkloadKey, Version>;
  readonly execution: Omit<ExecutorPorts, 'backend' | 'images'>;
  readonly settings: Pick<PlanContext, 'settleMs' | 'onViolation'> & { readonly scanIntervalMs: number };
  readonly now: () => number;
}

export interface Agent {
  /** Takes up the node as it is: last revision, running containers. Resolves when that was looked at once. */
  start(): Promise<void>;
  /** Polls the source; see `Sync.poll`. */
  poll(): Promise<void>;
  status(): NodeStatus;
  /** The newest plan, or null before the first. */
  plan(): Plan | null;
  /** What these manifests would do to the node, were they committed. */
  preview(files: readonly ManifestFile[]): Promise<Preview>;
  /** Ends the loop after the work under way; containers run on. */
  stop(): Promise<void>;
}

/** Wires one agent: source to desired state, kernel to observed state, plan to steps, everything to telemetry. */
export function createAgent(ports: AgentPorts): Agent {
  const { backend, images, telemetry, state, now, settings } = ports;
  const reporter = createReporter(telemetry);
  let snapshot: Snapshot | null = null;
  let drift: readonly Drift[] = [];
  let unwatch = (): void => undefined;

  const beat = (): void => heartbeat.beat();
  const board = createDesiredBoard({ ...ports, onChange: beat });
  const floor = createWorkFloor({
    execute: traced(createExecutor({ ...ports.execution, backend, images }, board.version), telemetry),
    now,
    onOutcome: (outcome) => reporter.outcome(outcome, snapshot?.desired.revision ?? ''),
    onChange: beat,
  });
  const settle = (): Promise<void> => heartbeat.beatAndSettle();
  const sync = createSync({ ...ports, board, reporter, nodeLabels: ports.node.labels, settle, onChange: beat });

  const statusInput = (failure: string | null): StatusInput => ({
    node: ports.node.name,
    version: ports.version,
    sync: sync.state(),
    snapshot,
    failure,
    context: { now: now(), settleMs: settings.settleMs },
  });
  const publisher = createStatusPublisher(statusInput(null), async (status, before) => {
    reportStatus(telemetry, status, before);
    await state.writeStatus(status);
  });

  const lookAtNode = async (): Promise<{ settled: Promise<void> }> => {
    const busy = floor.busy();
    board.retryDue(now());
    snapshot = await takeSnapshot({ backend, images, state, board, floor, settings, now }, drift, busy);
    if (snapshot === null) return { settled: Promise.resolve() };
    drift = snapshot.drift;
    reporter.verdicts(snapshot.desired);
    reporter.drift(drift, snapshot.desired.revision);
    for (const { until } of snapshot.plan.waiting) if (until !== null) heartbeat.beatAt(until);
    return { settled: applyPlan(floor, telemetry, snapshot, busy) };
  };
  /** The second of the two places where adapter errors are caught: a failed look is told, and the next one comes. */
  const look = async (): Promise<{ settled: Promise<void> }> => {
    try {
      const looked = await lookAtNode();
      await publisher.publish(statusInput(null));
      return looked;
    } catch (error) {
      await publisher.publish(statusInput(toFailure(error).reason)).catch(() => undefined);
      return { settled: Promise.resolve() };
    }
  };
  const heartbeat = createHeartbeat({ intervalMs: settings.scanIntervalMs, now, look });

  return {
    start: async () => {
      unwatch = backend.watch(beat);
      await sync.restore();
      beat();
    },
    poll: () => sync.poll(),
    status: () => publisher.current(),
    plan: () => snapshot?.plan ?? null,
    preview: (files) => preview(files, ports, board.lastGood),
    stop: async () => {
      unwatch();
      await heartbeat.stop();
      await floor.idle();
    },
  };
}
