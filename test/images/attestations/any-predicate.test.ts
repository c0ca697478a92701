import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readAttestation } from '../../../agent/images/attestations/read-attestation.ts';
import { fuzzing } from '../../world/fuzz.ts';
import {
  CYCLONEDX,
  DIGEST,
  GRYPE_REPORT,
  OPENVEX,
  SLSA_V1,
  SLSA_V02,
  SPDX,
  TRIVY_REPORT,
  vulnerabilityPredicate,
} from './predicates.ts';

const SEED = fuzzing(1_000);
const VULNERABILITIES = 'https://cosign.sigstore.dev/attestation/vuln/v1';
/** Types with a predicate of theirs, to be spoiled. */
const SOUND: readonly (readonly [string, unknown])[] = [
  ['https://slsa.dev/provenance/v0.2', SLSA_V02],
  ['https://slsa.dev/provenance/v1', SLSA_V1],
  ['https://spdx.dev/Document', SPDX],
  ['https://cyclonedx.org/bom', CYCLONEDX],
  [VULNERABILITIES, vulnerabilityPredicate(TRIVY_REPORT)],
  [VULNERABILITIES, vulnerabilityPredicate(GRYPE_REPORT)],
  ['https://openvex.dev/ns', OPENVEX],
];
const LARGEST_FACTS = 100_000;

/** A document of which what one path leads to is anything. */
const spoiled = fc
  .constantFrom(...SOUND)
  .chain(([type, predicate]) =>
    fc
      .tuple(fc.constantFrom(...pathsOf(predicate)), fc.jsonValue())
      .map(([path, value]) => [type, withValue(predicate, path, value)] as const),
  );
const garbage = fc.tuple(fc.constantFrom(...SOUND.map(([type]) => type)), fc.jsonValue());

test('whatever a signed predicate holds, it is read or invalid, and small', () => {
  fc.assert(
    fc.property(fc.oneof({ weight: 3, arbitrary: spoiled }, garbage), ([type, predicate]) => {
      const content = readAttestation(type, predicate, [DIGEST]);
      expect(['provenance', 'sbom', 'vulnerabilities', 'vex', 'invalid']).toContain(content.kind);
      if (content.kind === 'invalid') expect(content.reason).toMatch(/\S/);
      expect(JSON.stringify(content).length).toBeLessThan(LARGEST_FACTS);
    }),
    SEED,
  );
});

test('fields that are not read make no difference', () => {
  const extra = fc.dictionary(
    fc.string().map((key) => `x-${key}`),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...SOUND), extra, ([type, predicate], more) => {
      expect(readAttestation(type, { ...(predicate as object), ...more }, [DIGEST])).toEqual(
        readAttestation(type, predicate, [DIGEST]),
      );
    }),
    fuzzing(100),
  );
});

test('a report from which something is taken away never tells less by being read', () => {
  const report = vulnerabilityPredicate(TRIVY_REPORT);
  for (const path of pathsOf(report).filter((each) => each.length > 0)) {
    const content = readAttestation(VULNERABILITIES, withValue(report, path, undefined), [DIGEST]);
    const isWhole = content.kind === 'vulnerabilities' && content.report.findings.length === 3;
    const tookFindings =
      ['Results', 'Vulnerabilities'].includes(String(path.at(-1))) || typeof path.at(-1) === 'number';
    expect([path, isWhole || content.kind === 'invalid' || tookFindings]).toEqual([path, true]);
  }
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsOf((value as Record<string, unknown>)[key], [...path, key]))];
}

function withValue(value: unknown, [key, ...rest]: Path, replaced: unknown): unknown {
  if (key === undefined) return replaced;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  (copy as Record<string | number, unknown>)[key] = withValue(
    (value as Record<string | number, unknown>)[key],
    rest,
    replaced,
  );
  return copy;
}
