import * as z from 'zod';
import type { Limits } from '../limits.ts';

const limit = z.number().nullable();
const more = limit.exactOptional();

const device = z.strictObject({
  device: z.string(),
  readBytesPerSecond: more,
  writeBytesPerSecond: more,
  readsPerSecond: more,
  writesPerSecond: more,
  weight: more,
});

/** Limits as kept on disk: what was not limited when the record was written may be missing. */
export const limitsRecord: z.ZodType<Limits> = z.strictObject({
  memoryBytes: limit,
  cpuMillis: limit,
  pids: limit,
  memoryHighBytes: more,
  swapBytes: more,
  cpuShares: more,
  cpus: z.string().nullable().exactOptional(),
  mems: z.string().nullable().exactOptional(),
  ioWeight: more,
  ioDevices: z.array(device).exactOptional(),
  hugepages: z.record(z.string(), z.number()).exactOptional(),
});
