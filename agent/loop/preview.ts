import {
  imagePoliciesForNode,
  type LocatedResource,
  type LocatedWorkload,
  type Problem,
  type WorkloadKey,
  workloadKey,
} from '../../manifests/index.ts';
import { materialOf } from '../material/material.ts';
import { observe } from '../observe/observe.ts';
import type { Plan } from '../reconcile/plan.ts';
import { plan } from '../reconcile/planner.ts';
import type { DesiredState, DesiredWorkload, LastGood, Wanted } from '../reconcile/state.ts';
import type { ManifestFile } from '../source/index.ts';
import { claimsOf } from './desired-board.ts';
import { parseRevision } from './parse-revision.ts';
import { type PreparePorts, prepare, type Setting } from './prepare.ts';
import { neededImages, type SnapshotPorts } from './snapshot.ts';

/** What a set of manifests would do to this node, were it committed. Nothing is changed. */
export type Preview =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly problems: readonly Problem[] };

/** Revision shown for manifests that are in no commit. */
const WORKING_TREE = 'working-tree';

/** Plans manifests against the node as it is: parsed, images resolved, policies asked, no step taken. */
export async function preview(
  files: readonly ManifestFile[],
  ports: PreparePorts &
    Pick<SnapshotPorts, 'backend' | 'settings' | 'now' | 'claims' | 'networks'> & {
      readonly images: SnapshotPorts['images'];
      /** What the applied revision declares. */
      readonly applied: readonly LocatedResource[];
    },
  lastGood: (key: WorkloadKey) => Promise<LastGood | null>,
): Promise<Preview> {
  const revision = { commit: WORKING_TREE, signer: '', committedAt: ports.now(), subject: '', files };
  const result = parseRevision(revision, ports.node.labels, ports.applied);
  if (!result.ok) return { ...result.refused, ok: false };
  const { resources } = result.parsed;
  const setting: Setting = {
    revision: WORKING_TREE,
    material: materialOf(resources),
    imagePolicies: imagePoliciesForNode(resources, ports.node.labels),
  };
  const workloads = await Promise.all(
    result.parsed.workloads.map(async (located): Promise<DesiredWorkload> => {
      const key = workloadKey(located.workload);
      const [wanted, good] = await Promise.all([wantedOf(located, setting, ports), lastGood(key)]);
      return { key, workload: located.workload, wanted, lastGood: good, former: [] };
    }),
  );
  const judged: DesiredState = { revision: WORKING_TREE, workloads, claims: claimsOf(resources) };
  const observed = {
    ...(await observe(ports.backend, ports.images, neededImages(judged))),
    claims: await ports.claims(),
  };
  const networking = await ports.networks?.foresee(judged, resources, observed);
  const desired: DesiredState = networking === undefined ? judged : { ...judged, networking };
  return { ok: true, plan: plan(desired, observed, { ...ports.settings, history: {}, now: ports.now() }) };
}

async function wantedOf(located: LocatedWorkload, setting: Setting, ports: PreparePorts): Promise<Wanted> {
  const prepared = await prepare(located, setting, ports);
  return prepared.ok
    ? { state: 'judged', version: prepared.version, verdict: prepared.verdict }
    : { state: 'unresolved', failure: prepared.failure, retryAt: ports.now() };
}
