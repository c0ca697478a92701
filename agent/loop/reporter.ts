import type { RefusedRevision, WorkloadKey } from '../../manifests/index.ts';
import type { Finding } from '../../policies/index.ts';
import type { Drift } from '../drift/compare.ts';
import { driftEdges } from '../drift/edges.ts';
import type { StepOutcome } from '../execute/run-steps.ts';
import type { DesiredState } from '../reconcile/state.ts';
import type { Telemetry } from '../telemetry/index.ts';

/** Tells over OpenTelemetry what changed, each thing once when it begins and once when it ends. */
export interface Reporter {
  accepted(revision: { readonly commit: string; readonly signer: string }, previous: string | null): void;
  refused(refused: RefusedRevision): void;
  verdicts(desired: DesiredState): void;
  drift(now: readonly Drift[], revision: string): void;
  outcome(outcome: StepOutcome, revision: string): void;
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
      if (detected.length + corrected.length > 0) {
        telemetry.set('holdfast.drift.resources', new Set(now.map((drift) => drift.workload)).size, {});
      }
    },
    outcome: (outcome, revision) => reportOutcome(telemetry, failing, outcome, revision),
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

function reportOutcome(telemetry: Telemetry, failing: Set<string>, outcome: StepOutcome, revision: string): void {
  const { step } = outcome;
  const about = { 'holdfast.workload.name': step.workload, 'vcs.ref.head.revision': revision };
  if (outcome.outcome === 'failed') {
    if (failing.has(step.workload)) return;
    failing.add(step.workload);
    const { kind, code, reason } = outcome.failure;
    const failure = {
      'error.type': code,
      'holdfast.failure.kind': kind,
      'holdfast.failure.reason': `${step.kind}: ${reason}`,
    };
    telemetry.emit({ name: 'holdfast.reconcile.failed', attributes: { ...about, ...failure } });
  } else if (outcome.outcome === 'done') {
    if (failing.delete(step.workload)) telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: about });
    if (step.kind === 'start-container' && step.restarts > 0) {
      telemetry.add('holdfast.workload.restarts', 1, { 'holdfast.workload.name': step.workload });
    }
  }
}
