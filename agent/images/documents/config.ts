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
  created: z.string().nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(z.string().regex(DIGEST_PATTERN)) }),
  config: z
    .object({
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      WorkingDir: text,
      User: text,
      StopSignal: text,
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Healthcheck: z.object({ Test: strings }).nullish(),
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
  /** When it says it was made; null when it does not say. Any text. */
  readonly created: string | null;
  /** As written: `8080/tcp`. */
  readonly exposedPorts: readonly string[];
  readonly hasHealthcheck: boolean;
  readonly runtime: ImageConfig;
}

/** Reads an image configuration from its verified bytes. @throws ImageError `bad-manifest` */
export function parseImageConfig(bytes: Uint8Array, reference: string): ConfigDocument {
  const document = check(schema, parseJson(bytes, reference, 'image config'), reference, 'image config');
  const { Entrypoint, Cmd, Env, WorkingDir, User, StopSignal, ExposedPorts, Healthcheck, Labels } = document.config;
  return {
    os: document.os,
    architecture: document.architecture,
    variant: document.variant ?? null,
    diffIds: document.rootfs.diff_ids,
    labels: Labels,
    created: document.created ?? null,
    exposedPorts: Object.keys(ExposedPorts ?? {}).sort(),
    hasHealthcheck: Healthcheck ? !['NONE', undefined].includes(Healthcheck.Test[0]) : false,
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
