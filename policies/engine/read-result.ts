import { isObject } from '../bundle/parse-manifest.ts';
import type { Outcome, RawFinding } from './outcome.ts';

const MAX_FINDINGS = 1_000;
const MAX_TEXT_LENGTH = 4_096;
const FIELDS = ['policy', 'rule', 'severity', 'message', 'field'] as const satisfies readonly (keyof RawFinding)[];

/**
 * Reads OPA's result set. No result at all means that the entry point is undefined, which is a failure and never an
 * approval; one result with an empty list means that no rule has anything to say.
 */
export function readResult(resultSet: unknown): Outcome {
  if (!Array.isArray(resultSet)) return wrongShape('the result set is no list');
  if (resultSet.length === 0) {
    return { kind: 'failed', rule: 'engine-undefined', reason: 'the entry point of the policies has no value' };
  }
  const [first] = resultSet as readonly unknown[];
  if (resultSet.length !== 1 || !isObject(first)) return wrongShape('the result set has more than one answer');
  const { result } = first;
  if (!Array.isArray(result)) return wrongShape('the result is no list of findings');
  if (result.length > MAX_FINDINGS) return wrongShape(`the result has more than ${MAX_FINDINGS} findings`);
  const findings = result as readonly unknown[];
  const odd = findings.findIndex((finding) => !isRawFinding(finding));
  if (odd >= 0) {
    return wrongShape(`finding ${odd} is no object with ${FIELDS.join(', ')} of up to ${MAX_TEXT_LENGTH} characters`);
  }
  return { kind: 'findings', findings: findings as readonly RawFinding[] };
}

function isRawFinding(value: unknown): value is RawFinding {
  return isObject(value) && FIELDS.every((field) => isShortText(value[field]));
}

function isShortText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH;
}

function wrongShape(reason: string): Outcome {
  return { kind: 'failed', rule: 'engine-error', reason: `the policies gave an answer of the wrong shape: ${reason}` };
}
