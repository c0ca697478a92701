import type { ContainerBackend } from '../../native/index.ts';
import { compare, type Drift } from '../drift/compare.ts';
import { toFailure } from '../execute/to-failure.ts';
import type { ImageSource } from '../images/image-source.ts';
import { type InspectVolumes, observe, type ProfileDigests } from '../observe/observe.ts';
import type { Failure } from '../reconcile/failure.ts';
import type { Plan } from '../reconcile/plan.ts';
import { plan } from '../reconcile/planner.ts';
import { provenVersions } from '../reconcile/promotion.ts';
import type { DesiredState, LastGood, ObservedClaim, ObservedState, PlanContext } from '../reconcile/state.ts';
import type { StateFiles } from '../state/state-files.ts';
import type { NetworkAllocator } from './allocator.ts';
import type { DesiredBoard } from './desired-board.ts';
import type { WorkFloor } from './work-floor.ts';

/** One look at the node: what is wanted, what is there, what comes next. */
export interface Snapshot {
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  readonly plan: Plan;
  readonly drift: readonly Drift[];
  /** What of the look itself failed; null when nothing did. */
  readonly failure: Failure | null;
}

export interface SnapshotPorts {
  readonly backend: ContainerBackend;
  readonly images: Pick<ImageSource, 'isPresent'>;
  readonly profiles: ProfileDigests;
  readonly inspectVolumes: InspectVolumes;
  /** Volume claims that have a directory on this node. */
  readonly claims: () => Promise<readonly ObservedClaim[]>;
  /** Why the file system holds no claim to its size, or null. */
  readonly volumeObstacle: () => string | null;
  readonly state: Pick<StateFiles, 'writeLastGood'>;
  readonly board: DesiredBoard;
  /** Null where pods have their loopback only. */
  readonly networks: NetworkAllocator | null;
  readonly floor: WorkFloor;
  readonly settings: Pick<PlanContext, 'settleMs' | 'onViolation'>;
  readonly now: () => number;
}

/**
 * Observes, records which versions have proven themselves, compares, and plans. Changes nothing on the node but the
 * last-good files.
 * @param before drift of the look before, kept for the busy workloads.
 * @param busy workloads that are being worked on right now: how they look is no drift.
 * @returns null while no revision is known.
 */
export async function takeSnapshot(
  ports: SnapshotPorts,
  before: readonly Drift[],
  busy: ReadonlySet<string>,
): Promise<Snapshot | null> {
  const known = ports.board.desired();
  if (known === null) return null;
  const [seen, claims] = await Promise.all([
    observe(ports.backend, ports.images, neededImages(known), ports.profiles, ports.inspectVolumes),
    ports.claims(),
  ]);
  const observed: ObservedState = { ...seen, claims, volumeObstacle: ports.volumeObstacle() };
  const context: PlanContext = { ...ports.settings, history: ports.floor.history(), now: ports.now() };
  const unrecorded = await rememberProven(ports, provenVersions(known, observed, context));
  const promoted = ports.board.desired() ?? known;
  const settled = await ports.networks?.settle(promoted, ports.board.resources(), observed);
  const desired: DesiredState = settled === undefined ? promoted : { ...promoted, networking: settled.networking };
  const drift = [
    ...before.filter((entry) => busy.has(entry.workload)),
    ...compare(desired, observed).filter((entry) => !busy.has(entry.workload)),
  ];
  const failure = unrecorded ?? settled?.failure ?? null;
  return { desired, observed, drift, plan: plan(desired, observed, context), failure };
}

/** A disk that is full keeps nothing from being healed. @returns why a version could not be recorded, or null. */
async function rememberProven({ state, board }: SnapshotPorts, proven: readonly LastGood[]): Promise<Failure | null> {
  try {
    for (const good of proven) {
      await state.writeLastGood(good.version);
      board.promote(good);
    }
    return null;
  } catch (error) {
    const failure = toFailure(error);
    return { ...failure, reason: `cannot record which versions run well: ${failure.reason}` };
  }
}

/** @returns digests of every image the desired state may have to run. */
export function neededImages(desired: DesiredState): ReadonlySet<string> {
  const versions = desired.workloads.flatMap(({ wanted, lastGood }) => [
    ...(wanted.state === 'judged' ? [wanted.version] : []),
    ...(lastGood === null ? [] : [lastGood.version]),
  ]);
  return new Set(versions.flatMap((version) => Object.values(version.images).map((image) => image.digest)));
}
