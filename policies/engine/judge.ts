import { locate, type Origin } from '../../manifests/index.ts';
import type { Finding, Verdict } from '../verdict.ts';
import type { Outcome, RawFinding } from './outcome.ts';

/** Turns what came of an evaluation into a verdict that points into the files in Git. Whatever failed is denied. */
export function judge(outcome: Outcome, origin: Origin): Verdict {
  if (outcome.kind === 'failed') return { decision: 'deny', findings: [toFinding(failureFinding(outcome), origin)] };
  const findings = sortedUnique(outcome.findings.map((raw) => toFinding(raw, origin)));
  if (findings.length === 0) return { decision: 'allow' };
  return { decision: findings.some(({ severity }) => severity === 'deny') ? 'deny' : 'warn', findings };
}

function failureFinding({ rule, reason }: Outcome & { readonly kind: 'failed' }): RawFinding {
  const message = `The policies could not be evaluated, so the workload is denied: ${reason}.`;
  return { policy: 'engine', rule, severity: 'deny', message, field: '' };
}

function toFinding({ policy, rule, severity, message, field }: RawFinding, origin: Origin): Finding {
  return { policy, rule, severity: severity === 'warn' ? 'warn' : 'deny', message, ...locate(origin, field) };
}

function sortedUnique(findings: readonly Finding[]): readonly Finding[] {
  const byText = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...byText.entries()]
    .sort(([textA, a], [textB, b]) => a.line - b.line || a.column - b.column || (textA < textB ? -1 : 1))
    .map(([, finding]) => finding);
}
