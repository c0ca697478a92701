import type { JsonValue, VerifiedAttestation } from '../evidence.ts';

/** Where the predicates in use say when they were made. What they say is signed by somebody who counts. */
const TIMES: readonly (readonly string[])[] = [
  // SLSA provenance 1 and 0.2
  ['runDetails', 'metadata', 'finishedOn'],
  ['metadata', 'buildFinishedOn'],
  // cosign's vulnerability record
  ['metadata', 'scanFinishedOn'],
  // CycloneDX, SPDX
  ['metadata', 'timestamp'],
  ['creationInfo', 'created'],
  // cosign's own
  ['Timestamp'],
];

/** @returns when a log, a timestamp authority or its own predicate says that it was made; null when nobody does. */
export function attestedAt({
  signedAt,
  predicate,
}: Pick<VerifiedAttestation, 'signedAt' | 'predicate'>): number | null {
  if (signedAt !== null) return signedAt;
  for (const path of TIMES) {
    const time = Date.parse(String(at(predicate, path)));
    if (!Number.isNaN(time)) return time;
  }
  return null;
}

function at(value: JsonValue, path: readonly string[]): JsonValue | undefined {
  let found: JsonValue | undefined = value;
  for (const step of path) {
    const isObject: boolean = typeof found === 'object' && found !== null && Object.hasOwn(found, step);
    found = isObject ? (found as Readonly<Record<string, JsonValue>>)[step] : undefined;
  }
  return typeof found === 'string' ? found : undefined;
}
