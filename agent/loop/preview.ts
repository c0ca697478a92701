import { type Problem, workloadKey } from '../../manifests/index.ts';
import { observe } from '../observe/observe.ts';
import type { Plan } from '../reconcile/plan.ts';
import { plan } from '../reconcile/planner.ts';
import type { DesiredState, DesiredWorkload, LastGood } from '../reconcile/state.ts';
import type { ManifestFile } from '../source/index.ts';
import { parseRevision } from './parse-revision.ts';
import { type PreparePorts, prepare } from './prepare.ts';
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
    Pick<SnapshotPorts, 'backend' | 'settings' | 'now'> & { readonly images: SnapshotPorts['images'] },
  lastGood: (key: string) => LastGood | null,
): Promise<Preview> {
  const revision = { commit: WORKING_TREE, signer: '', committedAt: ports.now(), subject: '', files };
  const result = parseRevision(revision, ports.node.labels);
  if (!result.ok) return { ...result.refused, ok: false };
  const workloads = await Promise.all(
    result.parsed.workloads.map(async (located): Promise<DesiredWorkload> => {
      const prepared = await prepare(located, WORKING_TREE, ports);
      const key = workloadKey(located.workload);
      if (!prepared.ok) {
        return {
          key,
          wanted: { state: 'unresolved', failure: prepared.failure, retryAt: ports.now() },
          lastGood: lastGood(key),
        };
      }
      return {
        key,
        wanted: { state: 'judged', version: prepared.version, verdict: prepared.verdict },
        lastGood: lastGood(key),
      };
    }),
  );
  const desired: DesiredState = { revision: WORKING_TREE, workloads };
  const observed = await observe(ports.backend, ports.images, neededImages(desired));
  return { ok: true, plan: plan(desired, observed, { ...ports.settings, history: {}, now: ports.now() }) };
}
