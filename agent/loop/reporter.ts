import type { RefusedRevision, WorkloadKey } from '../../manifests/index.ts';
import type { Finding } from '../../policies/index.ts';
import type { Drift } from '../drift/compare.ts';
import { driftEdges } from '../drift/edges.ts';
import type { StepOutcome } from '../execute/run-steps.ts';
import type { Failure } from '../reconcile/failure.ts';
import type { DesiredState } from '../reconcile/state.ts';
import type { EventAttributes, Telemetry } from '../telemetry/index.ts';

/** Tells over OpenTelemetry what changed, each thing once when it begins and once when it ends. */
export interface Reporter {
  accepted(revision: { readonly commit: string; readonly signer: string }, previous: string | null): void;
  refused(refused: RefusedRevision): void;
  verdicts(desired: DesiredState): void;
  drift(now: readonly Drift[], revision: string): void;
  /** @param outcomes of steps of one workload that were begun together. */
  outcomes(outcomes: readonly StepOutcome[], revision: string): void;
  looked(look: LookReport): void;
}

/** How one look at the node went: one run of the loop. */
export interface LookReport {
  readonly failure: Failure | null;
  readonly isConverged: boolean;
  readonly seconds: number;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
}

/** Makes a reporter that has told nothing yet. */
export function createReporter(telemetry: Telemetry): Reporter {
  let drifts: readonly Drift[] = [];
  let refusal = '';
  const judged = new Map<WorkloadKey, string>();
  const failing = new Set<string>();
  return {
    accepted: ({ commit, signer }, previous) => {
      refusal = '';
      const before = previous === null ? {} : { 'holdfast.source.revision.previous': previous };
      const attributes = { 'vcs.ref.head.revision': commit, 'holdfast.source.signer': signer, ...before };
      telemetry.emit({ name: 'holdfast.source.revision.changed', attributes });
    },
    refused: (refused) => {
      if (refusal === refusalKey(refused)) return;
      refusal = refusalKey(refused);
      reportRefusal(telemetry, refused);
    },
    verdicts: (desired) => {
      const wantedKeys = new Set(desired.workloads.map(({ key }) => key));
      for (const key of judged.keys()) if (!wantedKeys.has(key)) judged.delete(key);
      for (const { key, wanted } of desired.workloads) {
        if (wanted.state !== 'judged') continue;
        const findings = 'findings' in wanted.verdict ? wanted.verdict.findings : [];
        const state = JSON.stringify([wanted.version.digest, findings]);
        if (judged.get(key) === state) continue;
        judged.set(key, state);
        reportFindings(telemetry, key, wanted.version.revision, findings);
      }
    },
    drift: (now, revision) => {
      const { detected, corrected } = driftEdges(drifts, now);
      drifts = now;
      for (const drift of detected) reportDrift(telemetry, 'holdfast.drift.detected', drift, revision);
      for (const drift of corrected) reportDrift(telemetry, 'holdfast.drift.corrected', drift, revision);
      telemetry.set('holdfast.drift.resources', new Set(now.map((drift) => drift.workload)).size, {});
    },
    outcomes: (outcomes, revision) => reportOutcomes(telemetry, failing, outcomes, revision),
    looked: (look) => reportLook(telemetry, failing, look),
  };
}

function refusalKey(refused: RefusedRevision): string {
  return `${refused.commit} ${refused.code} ${refused.message}`;
}

function reportRefusal(telemetry: Telemetry, { commit, code, message, problems }: RefusedRevision): void {
  const [first] = problems;
  const reason = first ? `${message}; first: ${first.file}:${first.line}: ${first.path}: ${first.message}` : message;
  telemetry.emit({
    name: 'holdfast.source.refused',
    attributes: {
      'error.type': code,
      'holdfast.failure.reason': reason,
      'vcs.ref.head.revision': commit,
    },
  });
}

function reportFindings(
  telemetry: Telemetry,
  workload: WorkloadKey,
  revision: string,
  findings: readonly Finding[],
): void {
  const about = { 'holdfast.workload.name': workload, 'vcs.ref.head.revision': revision };
  for (const finding of findings) {
    const rule = { 'security_rule.name': finding.rule, 'security_rule.ruleset.name': finding.policy };
    telemetry.emit({
      name: 'holdfast.policy.violation',
      attributes: {
        ...about,
        ...rule,
        'holdfast.finding.message': finding.message,
        'holdfast.finding.path': finding.path,
        'holdfast.finding.severity': finding.severity,
        'holdfast.manifest.file': finding.file,
        'holdfast.manifest.line': finding.line,
      },
    });
    if (finding.severity === 'deny') telemetry.add('holdfast.policy.violations', 1, rule);
  }
  const denial = findings.find((finding) => finding.severity === 'deny');
  if (denial === undefined) return;
  telemetry.emit({
    name: 'holdfast.policy.denied',
    attributes: { ...about, 'security_rule.name': denial.rule, 'security_rule.ruleset.name': denial.policy },
  });
}

function reportDrift(
  telemetry: Telemetry,
  name: 'holdfast.drift.detected' | 'holdfast.drift.corrected',
  drift: Drift,
  revision: string,
): void {
  // Metrics take the field without the container's name, so that their series stay few.
  const field = { 'holdfast.drift.field': drift.field.replace(/\[[^\]]*\]/, '') };
  telemetry.add(
    name === 'holdfast.drift.detected' ? 'holdfast.drift.detections' : 'holdfast.drift.corrections',
    1,
    field,
  );
  const attributes = {
    'holdfast.drift.field': drift.field,
    'holdfast.drift.desired': drift.desired,
    'holdfast.drift.observed': drift.observed,
    'holdfast.workload.name': drift.workload,
    'container.id': drift.pod,
    'vcs.ref.head.revision': revision,
  };
  if (name === 'holdfast.drift.corrected') telemetry.emit({ name, attributes });
  else telemetry.emit({ name, attributes: { ...attributes, 'holdfast.drift.action': drift.action } });
}

function reportOutcomes(
  telemetry: Telemetry,
  failing: Set<string>,
  outcomes: readonly StepOutcome[],
  revision: string,
): void {
  const about = { 'holdfast.workload.name': outcomes[0]?.step.workload, 'vcs.ref.head.revision': revision };
  const subject = `workload ${about['holdfast.workload.name']}`;
  const failed = outcomes.find((outcome) => outcome.outcome === 'failed');
  // A step whose version was replaced meanwhile has not failed: it is not wanted any more.
  if (failed && failed.failure.kind !== 'waiting') {
    const { failure, step } = failed;
    reportFailure(telemetry, failing, { subject, about, failure, doing: `${step.kind}: ` });
  }
  if (!failed && failing.delete(subject)) telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: about });
  for (const { outcome, step } of outcomes) {
    if (outcome !== 'done' || step.kind !== 'start-container' || step.restarts === 0) continue;
    telemetry.add('holdfast.workload.restarts', 1, { 'holdfast.workload.name': step.workload });
  }
}

function reportLook(telemetry: Telemetry, failing: Set<string>, look: LookReport): void {
  const { failure, isConverged, seconds, endedAt } = look;
  const subject = 'loop';
  const outcome = failure === null ? (isConverged ? 'converged' : 'progressing') : 'failed';
  const attributes = { 'holdfast.reconcile.outcome': outcome } as const;
  telemetry.record('holdfast.reconcile.duration', seconds, attributes);
  telemetry.add('holdfast.reconcile.runs', 1, attributes);
  if (failure !== null) {
    reportFailure(telemetry, failing, { subject, about: {}, failure, doing: '' });
    return;
  }
  telemetry.set('holdfast.reconcile.last_success.time', endedAt / 1_000, {});
  if (failing.delete(subject)) telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: {} });
}

interface FailureReport {
  readonly subject: string;
  readonly about: EventAttributes<'holdfast.reconcile.recovered'>;
  readonly failure: Failure;
  readonly doing: string;
}

function reportFailure(telemetry: Telemetry, failing: Set<string>, report: FailureReport): void {
  const { subject, about, failure, doing } = report;
  if (failing.has(subject)) return;
  failing.add(subject);
  telemetry.emit({
    name: 'holdfast.reconcile.failed',
    attributes: {
      ...about,
      'error.type': failure.code,
      'holdfast.failure.kind': failure.kind,
      'holdfast.failure.reason': `${doing}${failure.reason}`,
    },
  });
}
