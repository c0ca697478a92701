import type { Drift } from './compare.ts';

/** Drift as it comes and goes, for events on the edges: each is told once when it appears and once when it is gone. */
export interface DriftEdges {
  readonly detected: readonly Drift[];
  readonly corrected: readonly Drift[];
}

/** Compares two scans. A field whose observed value changes between them is one drift gone and another come. */
export function driftEdges(before: readonly Drift[], now: readonly Drift[]): DriftEdges {
  const old = new Set(before.map(driftKey));
  const current = new Set(now.map(driftKey));
  return {
    detected: now.filter((drift) => !old.has(driftKey(drift))),
    corrected: before.filter((drift) => !current.has(driftKey(drift))),
  };
}

function driftKey(drift: Drift): string {
  return JSON.stringify([drift.workload, drift.pod, drift.field, drift.observed]);
}
