import type { SourcePosition } from '../manifests/index.ts';

/** One rule that has something to say about one field. */
export interface Finding extends SourcePosition {
  /**
   * Package of the rule below `holdfast`, such as `baseline`; `gate` for input no pack may judge, `engine` for a failed
   * evaluation, and whatever else judges beside the packs under its own name.
   */
  readonly policy: string;
  /** Stable name of the rule, such as `no-root`, or an `EngineRule`. */
  readonly rule: string;
  readonly severity: 'deny' | 'warn';
  /** For a person: what is wrong and what to do. */
  readonly message: string;
  /** Full field path in the manifest. */
  readonly path: string;
}

/** Why an evaluation failed: it took too long, broke, or the policies had no answer. */
export type EngineRule = 'engine-timeout' | 'engine-error' | 'engine-undefined';

/** May it run. `deny` carries at least one finding of severity deny; an engine failure is a deny with rule `engine-*`. */
export type Verdict =
  | { readonly decision: 'allow' }
  | { readonly decision: 'warn'; readonly findings: readonly Finding[] }
  | { readonly decision: 'deny'; readonly findings: readonly Finding[] };

/** @returns a verdict that also says what others than the packs have found. */
export function withFindings(verdict: Verdict, found: readonly Finding[]): Verdict {
  if (found.length === 0) return verdict;
  const findings = [...(verdict.decision === 'allow' ? [] : verdict.findings), ...found];
  const isDenied = verdict.decision === 'deny' || found.some(({ severity }) => severity === 'deny');
  return { decision: isDenied ? 'deny' : 'warn', findings };
}
