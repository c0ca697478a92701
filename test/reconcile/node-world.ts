import { openClaims } from '../../agent/execute/claims.ts';
import { createExecutor } from '../../agent/execute/executor.ts';
import { createOverLimitWatch } from '../../agent/execute/over-limit.ts';
import { runSteps } from '../../agent/execute/run-steps.ts';
import { createSeccompProfiles } from '../../agent/execute/seccomp-profiles.ts';
import { claimsOf } from '../../agent/loop/desired-board.ts';
import { createInspectVolumes } from '../../agent/loop/inspect-volumes.ts';
import { prepare } from '../../agent/loop/prepare.ts';
import { type Material, materialOf } from '../../agent/material/material.ts';
import { observe } from '../../agent/observe/observe.ts';
import { attemptKeyOf } from '../../agent/reconcile/draft.ts';
import { type Attempt, nextAttempt } from '../../agent/reconcile/failure.ts';
import { type Allocations, allocateNetworks } from '../../agent/reconcile/networks/allocate.ts';
import { namespacedRules, wantedNetworks } from '../../agent/reconcile/networks/networking.ts';
import type { Plan } from '../../agent/reconcile/plan.ts';
import { plan } from '../../agent/reconcile/planner.ts';
import { provenVersions } from '../../agent/reconcile/promotion.ts';
import { runnableVersion } from '../../agent/reconcile/runnable-version.ts';
import type {
  DesiredState,
  DesiredWorkload,
  LastGood,
  ObservedState,
  PlanContext,
  Version,
} from '../../agent/reconcile/state.ts';
import { type LocatedResource, parseManifests, workloadKey } from '../../manifests/index.ts';
import type { Verdict } from '../../policies/index.ts';
import { createFakeBackend, type FakeBackend, type FakeBackendOptions } from '../fakes/fake-backend.ts';
import { createFakeImages, type FakeImages } from '../fakes/fake-images.ts';
import { createRecordingTelemetry } from '../fakes/recording-telemetry.ts';
import { makeTempDir } from '../world/temp-dir.ts';

/** A node whose kernel is a fake, on which plans are made and carried out one look at a time. */
export interface NodeWorld {
  backend: FakeBackend;
  readonly images: FakeImages;
  readonly clock: { time: number };
  /** Verdicts by workload key, `key@identity` or digest of the version; allowed unless set. */
  readonly verdicts: Map<string, Verdict>;
  /** Whether pods are on networks; else they have their loopback only. */
  hasNetworks: boolean;
  onViolation: PlanContext['onViolation'];
  /** Commits manifests: they become the desired state. */
  commit(yaml: string): Promise<void>;
  desired(): DesiredState;
  observe(): Promise<ObservedState>;
  plan(): Promise<Plan>;
  /** One look and all the steps it leads to. @returns the plan it made. */
  round(): Promise<Plan>;
  /** Rounds, letting time pass where the plan waits for it, until nothing is left to do. Throws when that takes too long. */
  converge(): Promise<void>;
  remove(): Promise<void>;
}

const MANY_ROUNDS = 40;
const POOLS = { ipv4: ['10.1.0.0/16'], prefix4: 24, ipv6: 'fd42::/48' } as const;

/** Makes a world with an empty node. */
export async function createNodeWorld(program?: FakeBackendOptions['program']): Promise<NodeWorld> {
  const directory = await makeTempDir();
  const clock = { time: 1_000_000 };
  const images = createFakeImages();
  const telemetry = createRecordingTelemetry();
  const lastGood = new Map<string, Version>();
  const history = new Map<string, Attempt>();
  const roots = { stateDir: `${directory.path}/state`, runDir: `${directory.path}/run` };
  const former: string[] = [];
  let revision = '';
  let versions: readonly Version[] = [];
  let claims: DesiredState['claims'] = [];
  const materials = new Map<string, Material>();
  const inputKey = new Uint8Array(32);
  const material = { at: async (commit: string) => materials.get(commit) ?? materialOf([]) };
  let resources: readonly LocatedResource[] = [];
  let allocations: Allocations = {};

  const world: NodeWorld = {
    backend: createFakeBackend({
      clock: { now: () => clock.time },
      volumesDir: `${directory.path}/volumes`,
      ...(program && { program }),
    }),
    images,
    clock,
    verdicts: new Map(),
    hasNetworks: false,
    onViolation: 'report',
    commit: async (yaml) => {
      const { workloads, resources: said, problems } = parseManifests([{ path: 'fleet.yaml', text: yaml }]);
      if (problems.length > 0) throw new Error(JSON.stringify(problems));
      resources = said;
      former.push(...versions.map((version) => version.identity));
      revision = `commit-${clock.time}-${yaml.length}`;
      const engine = { evaluate: async (): Promise<Verdict> => ({ decision: 'allow' }) };
      const ports = { images, engine, telemetry, node: { name: 'n', labels: {} }, inputKey, now: () => clock.time };
      const material = materialOf(resources);
      materials.set(revision, material);
      claims = claimsOf(resources);
      const prepared = await Promise.all(
        workloads.map((located) => prepare(located, { revision, material, imagePolicies: [] }, ports)),
      );
      versions = prepared.map((result) => {
        if (!result.ok) throw new Error(result.failure.reason);
        return result.version;
      });
      for (const key of lastGood.keys()) {
        if (!versions.some((version) => workloadKey(version.workload) === key)) lastGood.delete(key);
      }
    },
    desired: () => {
      const workloads = versions.map((version) => desiredWorkload(version, world.verdicts, lastGood, former));
      const state = { revision, workloads, ...(claims && { claims }) };
      if (!world.hasNetworks) return state;
      const { networks } = world.backend.node;
      const given = allocateNetworks(wantedNetworks(workloads, resources, allocations), POOLS, {
        allocations,
        networks,
        routes: [],
      });
      allocations = { ...allocations, ...Object.fromEntries(given.map((network) => [network.name, network])) };
      return { ...state, networking: { networks: given, ...namespacedRules(workloads, resources) } };
    },
    observe: async () => {
      const inspect = createInspectVolumes({
        ...{ backend: world.backend, nodeName: 'n', inputKey, material },
        board: { version: versionOf },
        overLimits: createOverLimitWatch(roots, () => clock.time),
      });
      const seen = await observe(world.backend, images, new Set(allVersions().flatMap(digests)), undefined, inspect);
      return { ...seen, claims: await openClaims(roots.stateDir).list() };
    },
    plan: async () => plan(world.desired(), await world.observe(), context()),
    round: async () => {
      const observed = await world.observe();
      for (const { version } of provenVersions(world.desired(), observed, context())) {
        lastGood.set(workloadKey(version.workload), version);
      }
      const next = plan(world.desired(), observed, context());
      const execute = createExecutor(
        {
          ...{ backend: world.backend, images, roots, memoryBytes: 2 ** 33, nodeName: 'n', inputKey, material },
          logs: { dir: `${directory.path}/logs`, maxBytes: 4096, maxFiles: 1 },
          profiles: createSeccompProfiles(`${directory.path}/seccomp`),
        },
        versionOf,
      );
      for (const steps of Map.groupBy(next.steps, (step) => step.workload).values()) {
        for (const outcome of await runSteps(steps, execute)) {
          const key = attemptKeyOf(outcome.step);
          if (outcome.outcome === 'failed')
            history.set(key, nextAttempt(history.get(key), outcome.failure, clock.time));
        }
      }
      return next;
    },
    converge: async () => {
      for (let round = 0; round < MANY_ROUNDS; round++) {
        const done = await world.round();
        if (done.steps.length > 0) continue;
        const due = done.waiting.flatMap(({ until }) => (until === null ? [] : [until]));
        if (due.length === 0 && (await world.plan()).steps.length === 0) return;
        clock.time = Math.max(clock.time, ...due.slice(0, 1)) + 1;
      }
      throw new Error(`not converged: ${JSON.stringify(await world.plan(), null, 1)}`);
    },
    remove: () => directory.remove(),
  };

  const versionOf = (identity: string, key: string): Version | undefined => {
    const wanted = world.desired().workloads.find((workload) => workload.key === key);
    return wanted && runnableVersion(wanted, identity);
  };
  const allVersions = (): readonly Version[] => [...versions, ...lastGood.values()];
  const context = (): PlanContext => ({
    history: Object.fromEntries(history),
    now: clock.time,
    settleMs: 2_000,
    onViolation: world.onViolation,
  });
  return world;
}

function desiredWorkload(
  version: Version,
  verdicts: ReadonlyMap<string, Verdict>,
  lastGood: ReadonlyMap<string, Version>,
  former: readonly string[],
): DesiredWorkload {
  const key = workloadKey(version.workload);
  const good = lastGood.get(key);
  const oldVerdict = verdicts.get(`${key}@${good?.identity}`) ?? { decision: 'allow' };
  const known: LastGood | null = good === undefined ? null : { version: good, verdict: oldVerdict };
  const verdict = verdicts.get(version.digest) ??
    verdicts.get(`${key}@${version.identity}`) ??
    verdicts.get(key) ?? { decision: 'allow' };
  return { key, workload: version.workload, wanted: { state: 'judged', version, verdict }, lastGood: known, former };
}

function digests(version: Version): readonly string[] {
  return Object.values(version.images).map((image) => image.digest);
}
