import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { reportDuplicates } from './duplicates.ts';
import { exactlyOne } from './exactly-one.ts';
import { dataKey } from './keyed-data.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { dnsSubdomain } from './names.ts';
import { fileFieldRef, resourceFieldRef } from './pod-field.ts';
import { relativePath } from './relative-path.ts';

/** More would be a slip. */
const MOST_SOURCES = 64;
const MOST_ITEMS = 1_000;

/** Permission bits: a number, or octal digits in quotes. */
export const fileMode = z
  .union([z.int(), z.string()], { error: 'must be permission bits, such as `0o644` or `"0644"`' })
  .transform((written, context) => {
    const mode = typeof written === 'number' ? written : /^0?[0-7]{1,3}$/.test(written) ? parseInt(written, 8) : -1;
    if (mode >= 0 && mode <= 0o777) return mode;
    context.addIssue({ code: 'custom', message: 'must be permission bits, `0o000` to `0o777`, or in quotes `"0644"`' });
    return z.NEVER;
  });

const keyFile = strictFields({ key: dataKey, path: relativePath, mode: fileMode.optional() }, []);

const keyFiles = z.array(keyFile).min(1).max(MOST_ITEMS).superRefine(reportSamePaths);

const podFile = strictFields(
  {
    path: relativePath,
    mode: fileMode.optional(),
    fieldRef: fileFieldRef.optional(),
    resourceFieldRef: resourceFieldRef.optional(),
  },
  [],
).superRefine(exactlyOne(['fieldRef', 'resourceFieldRef']));

const podFiles = z.array(podFile).min(1).max(MOST_ITEMS).superRefine(reportSamePaths);

function reportSamePaths(items: readonly { readonly path: string }[], context: z.RefinementCtx): void {
  reportDuplicates(context, {
    what: 'path',
    items,
    keyOf: ({ path }) => path,
    stepsTo: (index) => [index, 'path'],
  });
}

const shared = { items: keyFiles.optional(), optional: z.boolean().optional() };
const mode = { defaultMode: fileMode.optional() };

/** A `configMap` volume as written. */
export const configMapVolume = strictFields({ name: dnsSubdomain, ...shared, ...mode }, []);

/** A `secret` volume as written. */
export const secretVolume = strictFields({ secretName: dnsSubdomain, ...shared, ...mode }, []);

/** A `downwardAPI` volume as written. */
export const downwardVolume = strictFields({ items: podFiles, ...mode }, []);

const keyedSource = strictFields({ name: dnsSubdomain, ...shared }, []);

const source = strictFields(
  {
    configMap: keyedSource.optional(),
    secret: keyedSource.optional(),
    downwardAPI: strictFields({ items: podFiles }, []).optional(),
  },
  UNSUPPORTED.projection,
).superRefine(exactlyOne(['configMap', 'secret', 'downwardAPI']));

/** A `projected` volume as written. */
export const projectedVolume = strictFields({ sources: z.array(source).min(1).max(MOST_SOURCES), ...mode }, []);

/** A source of a `projected` volume as written. */
export type WrittenSource = z.output<typeof source>;

/** Files a pod is told of itself, as written. */
export type WrittenPodFile = z.output<typeof podFile>;
