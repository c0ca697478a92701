import * as z from 'zod';
import type { VulnerabilityFacts } from '../../../policies/index.ts';
import { entries, longText, optionalText, text } from './bounds.ts';
import { severityOf } from './severity-of.ts';

const report = z.object({ Results: entries });
const result = z.object({ Vulnerabilities: entries });
const vulnerability = z.object({
  VulnerabilityID: text.min(1),
  PkgName: text,
  PkgIdentifier: z.object({ PURL: longText.nullish() }).nullish(),
  InstalledVersion: optionalText,
  FixedVersion: optionalText,
  VendorIDs: z.array(text).max(100).nullish(),
  Severity: text,
});

/** @returns whether a scanner's result is a report of Trivy; one without any finding has no more than its version. */
export function isTrivyReport(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'SchemaVersion' in value && value.SchemaVersion === 2;
}

/** Reads Trivy's report (`trivy image --format json`, schema version 2). @throws ZodError */
export function readTrivy(value: object): readonly VulnerabilityFacts[] {
  const results = z.array(result).parse(report.parse(value).Results);
  return z
    .array(vulnerability)
    .parse(results.flatMap(({ Vulnerabilities }) => Vulnerabilities))
    .map((each) => {
      const fixedIn = each.FixedVersion.split(',')
        .map((version) => version.trim())
        .filter((version) => version !== '');
      return {
        id: each.VulnerabilityID,
        aliases: each.VendorIDs ?? [],
        severity: severityOf(each.Severity),
        package: each.PkgName,
        version: each.InstalledVersion,
        purl: each.PkgIdentifier?.PURL ?? '',
        isFixable: fixedIn.length > 0,
        fixedIn,
      };
    });
}
