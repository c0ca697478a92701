import type { TrafficDirection } from '../backend.ts';
import type { SandboxRecord, TrafficRecord } from '../records/records.ts';

/** @returns the directions a sandbox is guarded in: as it was born, until rules name it. */
export function guardsOf(
  { id, network }: Pick<SandboxRecord, 'id' | 'network'>,
  { rules }: TrafficRecord,
): readonly TrafficDirection[] {
  if (typeof network !== 'object') return [];
  return rules.guards.find(({ sandbox }) => sandbox === id)?.directions ?? network.guards ?? [];
}

/** @returns whether a rule depends on where a sandbox is. */
export function mentions({ rules: { allowed, services } }: TrafficRecord, id: string): boolean {
  return (
    allowed.some(({ subjects, peers }) => subjects.includes(id) || peers?.sandboxes.includes(id)) ||
    services.some(({ backends }) => backends.some(({ sandbox }) => sandbox === id))
  );
}
