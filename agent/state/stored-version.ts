import * as z from 'zod';
import { completeWorkload, digestOf, podIdentity, type Workload } from '../../manifests/index.ts';
import type { Version } from '../reconcile/state.ts';

const texts = z.array(z.string());

const imageConfig = z.strictObject({
  entrypoint: texts,
  cmd: texts,
  env: texts,
  workingDir: z.string(),
  user: z.string(),
  stopSignal: z.string(),
});

const schema = z.strictObject({
  /** What it holds is proven by the two digests. */
  workload: z.custom<Workload>((value) => typeof value === 'object' && value !== null),
  origin: z.strictObject({
    file: z.string(),
    podPath: z.string(),
    positions: z.record(z.string(), z.strictObject({ line: z.int(), column: z.int() })),
  }),
  revision: z.string(),
  identity: z.string(),
  digest: z.string(),
  images: z.record(z.string(), z.strictObject({ digest: z.string(), config: imageConfig })),
  inputs: z
    .strictObject({ env: z.record(z.string(), z.string()), files: z.string().nullable() })
    .default({ env: {}, files: null }),
}) satisfies z.ZodType<Version>;

/** @returns a version as it was written, made whole where an older agent wrote it, or null for what is not one, or is not what its own digests say. */
export function asVersion(value: unknown): Version | null {
  const { data } = schema.safeParse(value);
  if (data === undefined || !isWhole(data)) return null;
  const workload = completeWorkload(data.workload);
  return { ...data, workload, digest: digestOf(workload) };
}

function isWhole({ workload, digest, identity, images, inputs }: Version): boolean {
  try {
    const digests = Object.fromEntries(Object.entries(images).map(([reference, image]) => [reference, image.digest]));
    return digestOf(workload) === digest && podIdentity(workload, digests, inputs.env) === identity;
  } catch {
    return false;
  }
}
