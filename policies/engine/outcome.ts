import type { EngineRule } from '../verdict.ts';

/** What a rule reports: a field of the pod spec, not yet a place in a file. */
export interface RawFinding {
  readonly policy: string;
  readonly rule: string;
  /** As written in the policy; anything but `warn` denies. */
  readonly severity: string;
  readonly message: string;
  /** Path in the pod spec as users write it; empty for the pod itself. */
  readonly field: string;
}

/** What came of one evaluation. */
export type Outcome =
  | { readonly kind: 'findings'; readonly findings: readonly RawFinding[] }
  | { readonly kind: 'failed'; readonly rule: EngineRule; readonly reason: string };
