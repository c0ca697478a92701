import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { removeDurably, writeDurably } from '../../../native/index.ts';
import { DIGEST_PATTERN } from '../digest.ts';
import type { RejectionCode } from '../evidence.ts';
import { SCHEMES } from '../signature/found-evidence.ts';
import type { StorePaths } from './store-paths.ts';

const digest = z.string().regex(DIGEST_PATTERN);

const schema = z.object({
  reference: z.string(),
  registry: z.string(),
  repository: z.string(),
  topDigest: digest,
  digest,
  evidence: z.array(
    z.object({
      scheme: z.enum(SCHEMES),
      payload: digest,
      signature: z.string(),
      /** The annotations beside it, in JSON. */
      beside: digest.nullable().default(null),
    }),
  ),
  /** What was in the place of signatures and could not be taken for one. */
  rejected: z
    .array(z.object({ code: z.custom<RejectionCode>((code) => typeof code === 'string'), detail: z.string() }))
    .default([]),
  /** When the registry was asked for signatures, milliseconds since the epoch; null when it never was. */
  evidenceAt: z.number().nullable().default(null),
  /** Whether a person asked for it to be kept. */
  isPinned: z.boolean().default(false),
  /** When the registry gave this answer, milliseconds since the epoch. */
  resolvedAt: z.number().default(0),
  /** The last freshness that was met, see `Freshness`. */
  freshFor: z.string().nullable().default(null),
});

/**
 * What a reference was resolved to: the digest it named (`topDigest`, an index or a manifest), the manifest that leads
 * to on this node (`digest`), and the signatures found. Facts are not kept here but read again from the blobs.
 */
export type ReferenceRecord = Readonly<z.infer<typeof schema>>;

/** The records, all in memory, each durable on disk before it is answered for. */
export interface ReferenceRecords {
  get(reference: string): ReferenceRecord | null;
  all(): readonly ReferenceRecord[];
  /** @returns whether a record on disk is damaged, so that what it speaks for is not known. */
  hasDamaged(): boolean;
  put(record: ReferenceRecord): Promise<void>;
  remove(reference: string): Promise<void>;
}

/** Reads the records. A damaged one answers for no reference until that is resolved again. */
export async function openReferenceRecords(paths: StorePaths): Promise<ReferenceRecords> {
  const records = new Map<string, ReferenceRecord>();
  const damaged = new Set<string>();
  for (const name of await readdir(paths.references)) {
    const path = join(paths.references, name);
    const record = parse(await readFile(path, 'utf8'));
    if (record && paths.reference(record.reference) === path) records.set(record.reference, record);
    else damaged.add(path);
  }
  return {
    get: (reference) => records.get(reference) ?? null,
    all: () => [...records.values()],
    hasDamaged: () => damaged.size > 0,
    put: async (record) => {
      await writeDurably(paths.reference(record.reference), `${JSON.stringify(record, null, 2)}\n`);
      records.set(record.reference, record);
      damaged.delete(paths.reference(record.reference));
    },
    remove: async (reference) => {
      await removeDurably(paths.reference(reference));
      records.delete(reference);
    },
  };
}

function parse(text: string): ReferenceRecord | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
