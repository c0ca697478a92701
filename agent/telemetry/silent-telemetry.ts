import type { Telemetry } from './telemetry.ts';

/** Telemetry without a receiver: runs the work and says nothing. Loads no SDK. */
export const silentTelemetry: Telemetry = {
  span: async (_name, _attributes, run) => run({ set: () => undefined, fail: () => undefined }),
  emit: () => undefined,
  add: () => undefined,
  record: () => undefined,
  set: () => undefined,
  flush: async () => undefined,
  shutdown: async () => undefined,
};
