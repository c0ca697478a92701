import type { PackageFacts, SbomFacts } from '../../../policies/index.ts';
import { MOST } from './bounds.ts';

/** Puts packages in order, each once, as many as are kept. */
export function sbomOf(format: string, createdNs: number | null, found: readonly PackageFacts[]): SbomFacts {
  const byText = new Map(found.map((each) => [JSON.stringify([each.name, each.version, each.group, each.purl]), each]));
  const packages = [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  return {
    format,
    createdNs,
    packages: packages.slice(0, MOST.packages),
    packageCount: packages.length,
    isTruncated: packages.length > MOST.packages,
  };
}
