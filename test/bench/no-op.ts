import { compare } from '../../agent/drift/compare.ts';
import { plan } from '../../agent/reconcile/planner.ts';
import { deployment, documents } from '../reconcile/manifests.ts';
import { createNodeWorld } from '../reconcile/node-world.ts';
import { type BenchGroup, type Measurement, measurement, timed } from './report.ts';

const WORKLOADS = 100;
const ROUNDS = 200;

/** A look at a converged node of a hundred workloads: comparing and planning, without the kernel. */
export const planning: BenchGroup = {
  name: 'plan',
  title: 'Planning',
  run: async () => ({ measurements: await measure(), missing: [] }),
};

async function measure(): Promise<readonly Measurement[]> {
  const world = await createNodeWorld();
  try {
    await world.commit(
      documents(...Array.from({ length: WORKLOADS }, (_, index) => deployment({ name: `web-${index}` }))),
    );
    await world.converge();
    const desired = world.desired();
    const observed = await world.observe();
    const context = { history: {}, now: world.clock.time + 60_000, settleMs: 2_000, onViolation: 'report' } as const;
    const samples: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      samples.push((await timed(() => [compare(desired, observed), plan(desired, observed, context)])) * 1_000);
    }
    return [measurement(`no-op reconcile of ${WORKLOADS} workloads: compare and plan`, 'us', samples)];
  } finally {
    await world.remove();
  }
}
