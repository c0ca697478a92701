import * as z from 'zod';
import { DIGEST_PATTERN } from '../digest.ts';
import { ImageError } from '../image-source.ts';
import { INDEX_TYPES, MANIFEST_TYPES } from './media-types.ts';

const digest = z.string().regex(DIGEST_PATTERN, 'must be sha256: and 64 hex digits');

const descriptor = z.object({
  mediaType: z.string(),
  digest,
  size: z.number().int().nonnegative(),
  annotations: z.record(z.string(), z.string()).optional(),
  artifactType: z.string().optional(),
  platform: z
    .object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
    .optional()
    .catch(undefined),
});

const index = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum(INDEX_TYPES).optional(),
  manifests: z.array(descriptor).max(1000),
});

const manifest = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum(MANIFEST_TYPES).optional(),
  artifactType: z.string().optional(),
  config: descriptor,
  layers: z.array(descriptor).max(1000),
  subject: descriptor.optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

/** What a registry holds, by digest and size (OCI image-spec, descriptor.md). */
export type Descriptor = z.infer<typeof descriptor>;

/** An image index or Docker manifest list: one image for several platforms. */
export type IndexDocument = z.infer<typeof index>;

/** An image manifest, or an artifact such as a signature. */
export type ManifestDocument = z.infer<typeof manifest>;

export type ImageDocument =
  | { readonly kind: 'index'; readonly index: IndexDocument }
  | { readonly kind: 'manifest'; readonly manifest: ManifestDocument };

/**
 * Reads a manifest or an index from its verified bytes. What it is follows from the bytes alone, never from a header,
 * and a document that could be read as both is refused (CVE-2021-41190).
 * @throws ImageError `bad-manifest`
 */
export function parseImageDocument(bytes: Uint8Array, reference: string): ImageDocument {
  const value = parseJson(bytes, reference, 'manifest');
  const has = (key: string): boolean => typeof value === 'object' && value !== null && key in value;
  if (has('manifests') && (has('layers') || has('config'))) {
    throw new ImageError('bad-manifest', reference, `${reference}: the manifest is an index and an image at once`);
  }
  return has('manifests')
    ? { kind: 'index', index: check(index, value, reference, 'index') }
    : { kind: 'manifest', manifest: check(manifest, value, reference, 'manifest') };
}

/** Parses JSON that a registry sent. @throws ImageError `bad-manifest` */
export function parseJson(bytes: Uint8Array, reference: string, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ImageError('bad-manifest', reference, `${reference}: the ${what} is not JSON`, { cause });
  }
}

/** Holds a value to a schema. @throws ImageError `bad-manifest` naming the first field that is wrong */
export function check<T>(schema: z.ZodType<T>, value: unknown, reference: string, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.') || 'document';
  throw new ImageError('bad-manifest', reference, `${reference}: ${what}: ${where}: ${issue?.message}`);
}
