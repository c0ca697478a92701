import type { Plan, Step } from '../reconcile/plan.ts';
import type { Telemetry } from '../telemetry/index.ts';
import type { WorkFloor } from './work-floor.ts';

/**
 * Starts those steps of a plan that can begin, inside a span of their own when there are any.
 * @param busy workloads that were worked on when the node was looked at: what was seen of them is already old.
 * @returns when all of them are over.
 */
export async function applyPlan(
  floor: WorkFloor,
  telemetry: Telemetry,
  { revision, steps }: Plan,
  busy: ReadonlySet<string>,
): Promise<void> {
  const ready = floor.ready(steps.filter((step) => step.kind === 'pull-image' || !busy.has(step.workload)));
  if (ready.length === 0) return;
  const attributes = { 'vcs.ref.head.revision': revision, 'holdfast.plan.steps': ready.length };
  await telemetry.span('holdfast.apply', attributes, () => floor.start(ready));
}

/** Wraps the executor so that every step is a span, and pulls and starts are spans of their own kind. */
export function traced(execute: (step: Step) => Promise<void>, telemetry: Telemetry): (step: Step) => Promise<void> {
  return (step) =>
    telemetry.span(
      'holdfast.step',
      { 'holdfast.step.kind': step.kind, 'holdfast.workload.name': step.workload },
      async (span) => {
        span.set({ 'holdfast.step.outcome': 'failed' });
        await traceKind(step, execute, telemetry);
        span.set({ 'holdfast.step.outcome': 'done' });
      },
    );
}

function traceKind(step: Step, execute: (step: Step) => Promise<void>, telemetry: Telemetry): Promise<void> {
  if (step.kind === 'pull-image') {
    const attributes = { 'container.image.name': step.reference, 'oci.manifest.digest': step.digest };
    return telemetry.span('holdfast.image.pull', attributes, () => timePull(() => execute(step), telemetry));
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

/** Pulls that fail are told by their spans. */
async function timePull(pull: () => Promise<void>, telemetry: Telemetry): Promise<void> {
  const started = performance.now();
  await pull();
  telemetry.record('holdfast.image.pull.duration', (performance.now() - started) / 1_000, {});
}
