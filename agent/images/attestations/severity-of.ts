import { SEVERITIES, type Severity } from '../../../policies/index.ts';

/** @returns a scanner's word for how bad something is, in ours; a word that is not known is `unknown`. */
export function severityOf(word: string): Severity {
  return SEVERITIES.find((severity) => severity === word.toLowerCase()) ?? 'unknown';
}
