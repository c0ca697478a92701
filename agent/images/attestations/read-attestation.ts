import { ZodError } from 'zod';
import type { AttestationContent, AttestationKind } from '../../../policies/index.ts';
import { readCycloneDx } from './read-cyclonedx.ts';
import { readOpenVex } from './read-openvex.ts';
import { readProvenanceV1, readProvenanceV02 } from './read-provenance.ts';
import { readSpdx } from './read-spdx.ts';
import { readVulnerabilityReport } from './read-vulnerability-report.ts';

type Reader = (predicate: unknown, digests: readonly string[]) => AttestationContent;

/** By predicate type, with or without the version that some programs add. */
const READERS: readonly (readonly [RegExp, AttestationKind, Reader])[] = [
  [/^https:\/\/slsa\.dev\/provenance\/v0\.2$/, 'provenance', readProvenanceV02],
  [/^https:\/\/slsa\.dev\/provenance\/v1(\.\d+)?$/, 'provenance', readProvenanceV1],
  [/^https:\/\/spdx\.dev\/Document(\/v2\.\d)?$/, 'sbom', readSpdx],
  [/^https:\/\/cyclonedx\.org\/bom(\/v1\.\d)?$/, 'sbom', readCycloneDx],
  [/^https:\/\/cosign\.sigstore\.dev\/attestation\/vuln\/v1$/, 'vulnerabilities', readVulnerabilityReport],
  [/^https:\/\/openvex\.dev\/ns(\/v\d+(\.\d+)*)?$/, 'vex', readOpenVex],
];

/**
 * Reads what a verified statement says. Fields that are not used may be anything; one that is used and wrong makes the
 * whole document `invalid`, however hostile it is: nothing is thrown.
 * @param digests of the image, any of which it may speak of.
 */
export function readAttestation(
  predicateType: string,
  predicate: unknown,
  digests: readonly string[],
): AttestationContent {
  const found = READERS.find(([type]) => type.test(predicateType));
  if (!found) return { kind: 'other' };
  const [, expected, read] = found;
  try {
    return read(predicate, digests);
  } catch (error) {
    return { kind: 'invalid', expected, reason: describe(error) };
  }
}

const LONGEST_REASON = 300;

function describe(error: unknown): string {
  const reason =
    error instanceof ZodError && error.issues[0]
      ? `${error.issues[0].path.join('.') || 'document'}: ${error.issues[0].message}`
      : (error as Error).message;
  return reason.slice(0, LONGEST_REASON);
}
