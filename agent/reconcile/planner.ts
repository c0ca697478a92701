import type { WorkloadKey } from '../../manifests/index.ts';
import { planClaims, planOrphans, planUnused } from './claims.ts';
import { backingOff, blocked, combine, type Draft, nothing, waiting } from './draft.ts';
import { keepUp } from './keep-up.ts';
import { lackOf } from './networks/networking.ts';
import { planNetworks } from './networks/plan-networks.ts';
import type { Plan } from './plan.ts';
import { planStrays, removePod } from './removal.ts';
import type { DesiredState, DesiredWorkload, LastGood, ObservedPod, ObservedState, PlanContext } from './state.ts';
import { planUpdate } from './update.ts';

/**
 * The next safe steps from what the kernel has to what Git wants. Pure: the same inputs give the same plan, whatever their
 * order; a converged node's plan is empty; any prefix of the steps, then a fresh plan, still converges.
 */
export function plan(desired: DesiredState, observed: ObservedState, given: PlanContext): Plan {
  const context: PlanContext = desired.networking === undefined ? given : { ...given, networking: desired.networking };
  const workloads = [...desired.workloads].sort((a, b) => compareText(a.key, b.key));
  const pods = [...observed.pods].sort((a, b) => compareText(a.id, b.id));
  const sorted: ObservedState = {
    ...observed,
    pods,
    unlabelled: [...observed.unlabelled].sort(compareText),
    strangers: [...observed.strangers].sort((a, b) => compareText(a.id, b.id)),
  };
  const drafts = workloads.map((workload) => planWorkload(workload, desired, sorted, context));
  const unchanged = workloads.flatMap((workload, index) => (isEmpty(drafts[index]) ? [workload.key] : []));
  return {
    revision: desired.revision,
    unchanged,
    ...combine(
      planStrays(desired, sorted, context),
      planOrphans(desired, sorted, context),
      planUnused(desired, sorted, context),
      ...drafts,
      planNetworks({ ...desired, workloads }, sorted, context),
    ),
  };
}

function planWorkload(
  desired: DesiredWorkload,
  state: DesiredState,
  observed: ObservedState,
  context: PlanContext,
): Draft {
  const pods = observed.pods.filter((pod) => pod.key === desired.key);
  const volumes = planClaims(desired, state, observed);
  return combine(planObstacle(desired, context), volumes, planWork(desired, pods, observed, context));
}

/** Only a version that is judged, allowed and not backing off replaces what runs; without one, the last good one is kept up. */
function planWork(
  desired: DesiredWorkload,
  pods: readonly ObservedPod[],
  observed: ObservedState,
  context: PlanContext,
): Draft {
  const { key, wanted, lastGood } = desired;
  const isUsable = ({ version, verdict }: LastGood): boolean =>
    verdict.decision !== 'deny' &&
    backingOff(key, version.identity, context) === null &&
    lackOf(context.networking ?? {}, version.workload) === null;
  if (wanted.state === 'judged' && isUsable(wanted))
    return planUpdate(wanted.version, lastGood, pods, observed, context);
  if (lastGood === null || !isUsable(lastGood)) return keepOrStopDenied(desired, pods, context);
  const isDenied = wanted.state === 'judged' && wanted.verdict.decision === 'deny';
  return isDenied
    ? planUpdate(lastGood.version, lastGood, pods, observed, context)
    : keepUp(lastGood.version, pods, observed, context);
}

/** What keeps the wanted version from being worked on, told even while the last good one is kept up. */
function planObstacle({ key, wanted }: DesiredWorkload, context: PlanContext): Draft {
  if (wanted.state === 'preparing') return waiting(key, 'resolving its images and asking the policies', null);
  if (wanted.state === 'unresolved') {
    const { failure, retryAt } = wanted;
    const entry = blocked({ workload: key, cause: 'image', reason: failure.reason, findings: [], failure });
    // A time that has passed means that it is being tried: its end will tell.
    const until = retryAt > context.now ? retryAt : null;
    return combine(entry, waiting(key, 'trying again to resolve its images', until));
  }
  const { version, verdict } = wanted;
  if (verdict.decision === 'deny') {
    const denials = verdict.findings.filter((finding) => finding.severity === 'deny');
    const reason = `denied by ${denials.map((finding) => `${finding.policy}/${finding.rule}`).join(', ')}`;
    return blocked({ workload: key, cause: 'policy', reason, findings: verdict.findings, failure: null });
  }
  const lack = lackOf(context.networking ?? {}, version.workload);
  if (lack !== null) return waiting(key, lack, null);
  const attempt = backingOff(key, version.identity, context);
  if (attempt === null) return nothing;
  const { failure, failures, retryAt } = attempt;
  const entry = blocked({
    workload: key,
    cause: 'step',
    reason: `${failure.reason} (${failures} failed attempts)`,
    findings: [],
    failure,
  });
  return combine(entry, waiting(key, 'trying again after a failed step', retryAt));
}

/** Nothing may be started: what runs goes on, unless a policy denies it and the policy set says to stop that. */
function keepOrStopDenied(
  { wanted, lastGood }: DesiredWorkload,
  pods: readonly ObservedPod[],
  context: PlanContext,
): Draft {
  if (context.onViolation === 'report') return nothing;
  const denied = new Set<string>();
  if (wanted.state === 'judged' && wanted.verdict.decision === 'deny') denied.add(wanted.version.identity);
  if (lastGood?.verdict.decision === 'deny') denied.add(lastGood.version.identity);
  return combine(
    ...pods.filter((pod) => denied.has(pod.identity)).map((pod) => removePod(pod, 'a policy denies it', context)),
  );
}

function isEmpty(draft: Draft | undefined): boolean {
  return draft !== undefined && draft.steps.length + draft.blocked.length + draft.waiting.length === 0;
}

function compareText(a: string | WorkloadKey, b: string): number {
  return a < b ? -1 : Number(a > b);
}
