import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { quoted } from '../text/quoted.ts';
import { KeyedValues } from '../values/keyed-values.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { resourceMetadata } from './metadata.ts';

/** Kubernetes' bound on what one ConfigMap or Secret holds. */
const MOST_BYTES = 1024 * 1024;
const MOST_KEYS = 1_000;
const LONGEST_KEY = 253;

/** A key of a ConfigMap or Secret, which is also a file's name. */
export const dataKey = z
  .string()
  .max(LONGEST_KEY)
  .regex(/^(?!\.\.)(?!\.$)[-._a-zA-Z0-9]+$/, {
    error: 'must be letters, digits, `-`, `_` and `.`, and must not be `.` or begin with `..`',
  });

const encoder = new TextEncoder();

/** Text of any length: the whole is bounded, not each value. */
const text = z.string().transform((value) => encoder.encode(value));

const base64 = z.string().transform((value, context) => {
  const bytes = decodeBase64(value);
  if (bytes !== null) return bytes;
  // The value may be a secret: it is not repeated.
  context.addIssue({ code: 'custom', message: 'is not base64 (RFC 4648); encode it, or write it as text' });
  return z.NEVER;
});

/** @returns the bytes of canonical base64, in which line breaks are allowed, or null. */
function decodeBase64(written: string): Uint8Array | null {
  const packed = written.replaceAll(/[\r\n]/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return null;
  return Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
}

const keyed = <Value extends z.ZodType>(value: Value): z.ZodRecord<z.ZodString, Value> =>
  z.record(z.string(), value).superRefine((values, context) => {
    for (const key of Object.keys(values)) {
      const { error } = dataKey.safeParse(key);
      const [issue] = error?.issues ?? [];
      if (issue) context.addIssue({ code: 'custom', path: [key], message: `key ${issue.message}` });
    }
  });

const configMapFields = strictFields(
  {
    apiVersion: z.literal('v1'),
    kind: z.literal('ConfigMap'),
    metadata: resourceMetadata,
    data: keyed(text).optional(),
    binaryData: keyed(base64).optional(),
    immutable: z.boolean().optional(),
  },
  UNSUPPORTED.document,
);

/** `v1 ConfigMap` as written, with its values decoded. */
export const configMap = configMapFields.transform(({ data = {}, binaryData = {}, ...written }, context) => {
  const both = Object.keys(data).find((key) => Object.hasOwn(binaryData, key));
  if (both !== undefined) {
    const message = `key ${quoted(both)} is in \`data\` too; keep one of them`;
    context.addIssue({ code: 'custom', path: ['binaryData', both], message });
  }
  return { ...written, values: bounded({ ...data, ...binaryData }, context) };
});

const secretFields = strictFields(
  {
    apiVersion: z.literal('v1'),
    kind: z.literal('Secret'),
    metadata: resourceMetadata,
    type: z.string().min(1).max(LONGEST_KEY).optional(),
    data: keyed(base64).optional(),
    stringData: keyed(text).optional(),
    immutable: z.boolean().optional(),
  },
  UNSUPPORTED.document,
);

/** `v1 Secret` as written, with its values decoded; `stringData` wins over `data`, as in Kubernetes. */
export const secret = secretFields.transform(({ data = {}, stringData = {}, ...written }, context) => ({
  ...written,
  values: bounded({ ...data, ...stringData }, context),
}));

function bounded(values: Readonly<Record<string, Uint8Array>>, context: z.RefinementCtx): KeyedValues {
  const entries = Object.entries(values);
  const bytes = entries.reduce((sum, [, value]) => sum + value.length, 0);
  if (bytes > MOST_BYTES) {
    const message = 'the values must not be larger than 1 MiB together; shorten them, or split them up';
    context.addIssue({ code: 'custom', message });
  }
  if (entries.length > MOST_KEYS) context.addIssue({ code: 'custom', message: `must have at most ${MOST_KEYS} keys` });
  return new KeyedValues(entries);
}

/** `v1 ConfigMap` as written. */
export type WrittenConfigMap = z.output<typeof configMap>;

/** `v1 Secret` as written. */
export type WrittenSecret = z.output<typeof secret>;
