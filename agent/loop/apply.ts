import type { Step } from '../reconcile/plan.ts';
import type { Telemetry } from '../telemetry/index.ts';
import type { Snapshot } from './snapshot.ts';
import type { WorkFloor } from './work-floor.ts';

/**
 * Starts the steps of a plan, inside a trace of their own when there are any.
 * @param busy workloads that were worked on when the node was looked at: what was seen of them is already old.
 * @returns when all of them are over.
 */
export async function applyPlan(
  floor: WorkFloor,
  telemetry: Telemetry,
  snapshot: Snapshot,
  busy: ReadonlySet<string>,
): Promise<void> {
  const steps = snapshot.plan.steps.filter((step) => !busy.has(step.workload));
  if (steps.length === 0) return;
  const revision = { 'vcs.ref.head.revision': snapshot.plan.revision };
  const started = performance.now();
  await telemetry.span('holdfast.apply', { ...revision, 'holdfast.plan.steps': steps.length }, () =>
    floor.start({ ...snapshot.plan, steps }),
  );
  const outcome = { 'holdfast.reconcile.outcome': 'progressing' } as const;
  telemetry.record('holdfast.reconcile.duration', (performance.now() - started) / 1_000, outcome);
  telemetry.add('holdfast.reconcile.runs', 1, outcome);
}

/** Wraps the executor so that every step is a span, and pulls and starts are spans of their own kind. */
export function traced(execute: (step: Step) => Promise<void>, telemetry: Telemetry): (step: Step) => Promise<void> {
  return (step) =>
    telemetry.span(
      'holdfast.step',
      { 'holdfast.step.kind': step.kind, 'holdfast.workload.name': step.workload },
      async (span) => {
        await traceKind(step, execute, telemetry);
        span.set({ 'holdfast.step.outcome': 'done' });
      },
    );
}

function traceKind(step: Step, execute: (step: Step) => Promise<void>, telemetry: Telemetry): Promise<void> {
  if (step.kind === 'pull-image') {
    const attributes = { 'container.image.name': step.reference, 'oci.manifest.digest': step.digest };
    return telemetry.span('holdfast.image.pull', attributes, () => execute(step));
  }
  if (step.kind === 'start-container') {
    const attributes = {
      'container.id': `${step.pod}/${step.container}`,
      'container.name': step.container,
      'holdfast.workload.name': step.workload,
    };
    return telemetry.span('holdfast.container.start', attributes, () => execute(step));
  }
  if (step.kind === 'stop-pod') {
    const attributes = { 'container.id': step.pod, 'holdfast.workload.name': step.workload };
    return telemetry.span('holdfast.container.stop', attributes, () => execute(step));
  }
  return execute(step);
}
