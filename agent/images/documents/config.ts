import * as z from 'zod';
import { DIGEST_PATTERN } from '../digest.ts';
import type { ImageConfig } from '../image-source.ts';
import { check, parseJson } from './manifest.ts';

const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');

const schema = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(z.string().regex(DIGEST_PATTERN)) }),
  config: z
    .object({
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      WorkingDir: text,
      User: text,
      StopSignal: text,
      Labels: z
        .record(z.string(), z.string())
        .nullish()
        .transform((labels) => labels ?? {}),
    })
    .prefault({}),
});

/** An OCI image configuration (image-spec config.md), as far as it is used. */
export interface ConfigDocument {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | null;
  /** Digests of the unpacked layers, lowest first. */
  readonly diffIds: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly runtime: ImageConfig;
}

/** Reads an image configuration from its verified bytes. @throws ImageError `bad-manifest` */
export function parseImageConfig(bytes: Uint8Array, reference: string): ConfigDocument {
  const document = check(schema, parseJson(bytes, reference, 'image config'), reference, 'image config');
  const { Entrypoint, Cmd, Env, WorkingDir, User, StopSignal, Labels } = document.config;
  return {
    os: document.os,
    architecture: document.architecture,
    variant: document.variant ?? null,
    diffIds: document.rootfs.diff_ids,
    labels: Labels,
    runtime: {
      entrypoint: Entrypoint,
      cmd: Cmd,
      env: Env,
      workingDir: WorkingDir,
      user: User,
      stopSignal: StopSignal,
    },
  };
}
