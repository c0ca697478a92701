import * as z from 'zod';

const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.trustedroot(\.v0\.\d+\+json|\+json;version=0\.\d+)$/;

const bytes = z.base64().min(4);
const period = z.looseObject({ start: z.string().optional(), end: z.string().optional() }).optional();
const log = z.looseObject({
  baseUrl: z.string(),
  publicKey: z.looseObject({ rawBytes: bytes, keyDetails: z.string(), validFor: period }),
});
const authority = z.looseObject({
  certChain: z.looseObject({ certificates: z.array(z.looseObject({ rawBytes: bytes })).min(1) }),
  validFor: period,
});

const trustedRoot = z.looseObject({
  mediaType: z.string().regex(MEDIA_TYPE),
  certificateAuthorities: z.array(authority).min(1),
  tlogs: z.array(log).default([]),
  ctlogs: z.array(log).default([]),
  timestampAuthorities: z.array(authority).default([]),
});

/** @returns what is wrong with a text that should be sigstore's `trusted_root.json`, or null. */
export function trustedRootProblem(text: string): string | null {
  const value = parseJson(text);
  if (value === undefined) return 'must be the JSON of a sigstore trusted root (`trusted_root.json`)';
  const result = trustedRoot.safeParse(value);
  if (result.success) return null;
  const [issue] = result.error.issues;
  return `is no sigstore trusted root: ${issue?.path.join('.') || 'the document'}: ${issue?.message}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
