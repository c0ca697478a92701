import * as z from 'zod';
import type { VulnerabilityFacts } from '../../../policies/index.ts';
import { entries, longText, optionalText, text } from './bounds.ts';
import { severityOf } from './severity-of.ts';

const report = z.object({ matches: entries });
const match = z.object({
  vulnerability: z.object({
    id: text.min(1),
    severity: text.nullish().transform((value) => value ?? 'unknown'),
    fix: z.object({ versions: z.array(text).max(100).nullish(), state: optionalText }).nullish(),
  }),
  relatedVulnerabilities: z
    .array(z.object({ id: text.min(1) }))
    .max(100)
    .nullish(),
  artifact: z.object({ name: text, version: optionalText, purl: longText.nullish() }),
});

/** @returns whether a scanner's result is a report of Grype. */
export function isGrypeReport(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'matches' in value && Array.isArray(value.matches);
}

/** Reads Grype's report (`grype --output json`). @throws ZodError */
export function readGrype(value: object): readonly VulnerabilityFacts[] {
  return z
    .array(match)
    .parse(report.parse(value).matches)
    .map(({ vulnerability: { id, severity, fix }, relatedVulnerabilities, artifact }) => {
      const aliases = (relatedVulnerabilities ?? []).map((each) => each.id).filter((each) => each !== id);
      return {
        id,
        aliases: [...new Set(aliases)],
        severity: severityOf(severity),
        package: artifact.name,
        version: artifact.version,
        purl: artifact.purl ?? '',
        isFixable: fix?.state === 'fixed',
        fixedIn: fix?.versions ?? [],
      };
    });
}
