import type { AttestationFacts, AttestationKind } from '../../../policies/index.ts';
import { MOST } from '../attestations/bounds.ts';

/**
 * Drops the lists of all but the newest SBOMs and reports, whose counts stay: an image that is scanned every day would
 * soon be too large for a policy to look at. Of two with the same time, the one that was found later is the newer.
 */
export function withoutOldLists(attestations: readonly AttestationFacts[]): readonly AttestationFacts[] {
  const kept = new Set([...newest(attestations, 'sbom'), ...newest(attestations, 'vulnerabilities')]);
  return attestations.map((one) => (kept.has(one) ? one : withoutList(one)));
}

function newest(attestations: readonly AttestationFacts[], kind: AttestationKind): readonly AttestationFacts[] {
  const ofKind = attestations.filter((one) => one.kind === kind);
  return ofKind
    .toReversed()
    .sort((a, b) => timeOf(b) - timeOf(a))
    .slice(0, MOST.lists);
}

/** One that does not say when it was made cannot be called old. */
function timeOf(one: AttestationFacts): number {
  const said = one.kind === 'sbom' ? one.sbom.createdNs : one.kind === 'vulnerabilities' ? one.report.scannedNs : null;
  return said ?? one.signedAtNs ?? Number.MAX_VALUE;
}

function withoutList(one: AttestationFacts): AttestationFacts {
  switch (one.kind) {
    case 'sbom':
      return { ...one, sbom: { ...one.sbom, packages: [], isTruncated: one.sbom.packageCount > 0 } };
    case 'vulnerabilities':
      return { ...one, report: { ...one.report, findings: [], isTruncated: one.report.findings.length > 0 } };
    default:
      return one;
  }
}
