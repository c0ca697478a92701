import type { NodeStatus, WorkloadKey } from '../../manifests/index.ts';
import type { ContainerBackend } from '../../native/index.ts';
import type { PolicyEngine } from '../../policies/index.ts';
import { debugPod } from '../debug/debug.ts';
import type { Debugging, DebugRequest } from '../debug/request.ts';
import { type Claims, openClaims } from '../execute/claims.ts';
import { createExecutor, type ExecutorPorts } from '../execute/executor.ts';
import { createOverLimitWatch, type OverLimitWatch } from '../execute/over-limit.ts';
import type { ImageAdmin, ImageUse } from '../images/image-admin.ts';
import type { ImageSource } from '../images/image-source.ts';
import { createMaterialStore } from '../material/material-store.ts';
import { imageUse } from '../observe/image-use.ts';
import type { Failure } from '../reconcile/failure.ts';
import type { Plan } from '../reconcile/plan.ts';
import type { PlanContext, Version } from '../reconcile/state.ts';
import type { ManifestFile, Source } from '../source/index.ts';
import type { StateFiles } from '../state/state-files.ts';
import type { StatusInput } from '../status/node-status.ts';
import { createStatusPublisher } from '../status/publisher.ts';
import { reportStatus } from '../status/status-telemetry.ts';
import type { Telemetry } from '../telemetry/index.ts';
import type { NetworkAllocator } from './allocator.ts';
import { traced } from './apply.ts';
import { createDesiredBoard } from './desired-board.ts';
import { type Discarded, discardVolume, type VolumeName } from './discard-volume.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createInspectVolumes } from './inspect-volumes.ts';
import { createLimitReporter } from './limit-reporter.ts';
import { createLooker } from './look.ts';
import { type Preview, preview } from './preview.ts';
import { createReporter } from './reporter.ts';
import { neededImages, type SnapshotPorts } from './snapshot.ts';
import { createSync } from './sync.ts';
import { createWorkFloor } from './work-floor.ts';

/** Everything one node's agent is made of. */
export interface AgentPorts {
  readonly node: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly version: string;
  readonly source: Source;
  readonly branch: string;
  readonly images: ImageSource;
  /** The store behind the images, for people. */
  readonly imageAdmin: ImageAdmin;
  readonly engine: PolicyEngine;
  readonly backend: ContainerBackend;
  readonly telemetry: Telemetry;
  readonly state: StateFiles;
  /** Null where pods have their loopback only. */
  readonly networks: NetworkAllocator | null;
  /** Versions that ran well before this start. */
  readonly lastGood: ReadonlyMap<WorkloadKey, Version>;
  readonly execution: Omit<ExecutorPorts, 'backend' | 'images' | 'material' | 'nodeName'>;
  readonly settings: Pick<PlanContext, 'settleMs' | 'onViolation'> & { readonly scanIntervalMs: number };
  readonly now: () => number;
}

export interface Agent {
  /** Takes up the node as it is: last revision, running containers. Resolves when that was looked at once. */
  start(): Promise<void>;
  /** Polls the source; see `Sync.poll`. */
  poll(): Promise<void>;
  /** Polls the source and looks at the node. @returns the status that led to. @throws SourceError as `poll` does. */
  sync(): Promise<NodeStatus>;
  status(): NodeStatus;
  /** The newest plan, or null before the first. */
  plan(): Plan | null;
  /** What these manifests would do to the node, were they committed. */
  preview(files: readonly ManifestFile[]): Promise<Preview>;
  /** Attaches a container to a running pod; see `debugPod`. */
  debug(request: DebugRequest): Promise<Debugging>;
  /** Removes the data of a claim that Git has no more; see `discardVolume`. */
  discardVolume(volume: VolumeName): Promise<Discarded>;
  readonly images: ImageAdmin;
  /** @returns which images this node needs, or null while that is not known. @throws BackendError */
  imagesInUse(): Promise<ImageUse | null>;
  /** Ends the loop after the work under way; containers run on. */
  stop(): Promise<void>;
}

/** Wires one agent: source to desired state, kernel to observed state, plan to steps, everything to telemetry. */
export function createAgent(ports: AgentPorts): Agent {
  const { backend, images, telemetry, state, now, settings } = ports;
  const reporter = createReporter(telemetry);
  let unwatch = (): void => undefined;

  const beat = (): void => heartbeat.beat();
  const material = createMaterialStore(ports.source);
  const { inputKey } = ports.execution;
  const board = createDesiredBoard({ ...ports, material, inputKey, onChange: beat });
  const { store, overLimits, ...sight } = volumePorts(ports);
  const made = { backend, images, material, nodeName: ports.node.name };
  const floor = createWorkFloor({
    execute: traced(createExecutor({ ...ports.execution, ...made }, board.version), telemetry),
    now,
    onOutcomes: (outcomes) => reporter.outcomes(outcomes, board.desired()?.revision ?? ''),
    onChange: beat,
  });
  const settle = async (): Promise<void> => (await heartbeat.lookNow()).settled;
  const sync = createSync({ ...ports, board, reporter, nodeLabels: ports.node.labels, settle, onChange: beat });

  const statusInput = (failure: Failure | null): StatusInput => ({
    node: ports.node.name,
    version: ports.version,
    sync: sync.state(),
    snapshot: looker.snapshot(),
    failure: failure?.reason ?? null,
    context: { now: now(), settleMs: settings.settleMs },
  });
  const looker = createLooker({
    ...{ backend, images, state, board, floor, settings, now, reporter, telemetry, ...sight },
    profiles: ports.execution.profiles,
    inspectVolumes: createInspectVolumes({ ...made, inputKey, board, overLimits }),
    networks: ports.networks,
    lookAt: (time) => heartbeat.beatAt(time),
    onLooked: (failure) => publisher.publish(statusInput(failure)),
  });
  const reportLimits = createLimitReporter({
    telemetry,
    now,
    workloadOf: (id) => looker.snapshot()?.observed.pods.find((pod) => pod.id === id)?.key,
  });
  const publisher = createStatusPublisher(statusInput(null), {
    onChange: (status, before) => reportStatus(telemetry, status, before),
    keep: (status) => state.writeStatus(status),
  });
  const heartbeat = createHeartbeat({ intervalMs: settings.scanIntervalMs, now, look: looker.look });

  return {
    start: async () => {
      const unwatchChanges = backend.watch(beat);
      const unwatchLimits = backend.watchLimits(reportLimits);
      unwatch = () => {
        unwatchChanges();
        unwatchLimits();
      };
      await sync.restore();
      beat();
    },
    poll: () => sync.poll(),
    sync: async () => {
      await sync.poll();
      await heartbeat.lookNow();
      return publisher.current();
    },
    status: () => publisher.current(),
    plan: () => looker.snapshot()?.plan ?? null,
    preview: (files) => preview(files, { ...ports, ...sight, inputKey, applied: board.resources() }, board.lastGood),
    debug: (request) => debugPod({ ...ports, inputKey, execution: { ...ports.execution, ...made }, board }, request),
    discardVolume: (volume) => discardVolume({ claims: store, seen: looker.snapshot, settle }, volume),
    images: ports.imageAdmin,
    imagesInUse: async () => {
      const desired = board.desired();
      if (desired === null) return null;
      return imageUse(await backend.observe(), [...neededImages(desired), ...(await state.readGoodImages())]);
    },
    stop: async () => {
      unwatch();
      await heartbeat.stop();
      await floor.idle();
    },
  };
}

function volumePorts({ execution: { roots }, now }: AgentPorts): {
  readonly store: Claims;
  readonly overLimits: OverLimitWatch;
} & Pick<SnapshotPorts, 'claims' | 'volumeObstacle'> {
  const store = openClaims(roots.stateDir, roots.quotas);
  return {
    store,
    claims: () => store.list(),
    volumeObstacle: () => roots.quotas?.obstacle() ?? null,
    overLimits: createOverLimitWatch(roots, now),
  };
}
