import * as z from 'zod';

/** What is taken of one attestation at most. Policies are evaluated in bounded memory, and one image may have several. */
export const MOST = {
  packages: 2_000,
  findings: 1_000,
  statements: 1_000,
  materials: 200,
  /** Names of products, and of parts, in one statement. */
  products: 20,
  /** Reports, and SBOMs, of one image that keep their lists: the newest. A scan a day adds up. */
  lists: 2,
  /** Entries of one list that are looked at; a document with more is refused whole. */
  entries: 50_000,
  /** Components within components. */
  depth: 16,
} as const;

/** A short text, such as a name or a version. */
export const text = z.string().max(1_024);

/** A URI, or a licence expression, which some packages have pages of. */
export const longText = z.string().max(8_192);

/** A text that may be missing, and then is empty. */
export const optionalText = text.nullish().transform((value) => value ?? '');

/** A list that may be missing, and then is empty. Its entries are held to a schema of their own. */
export const entries = z
  .array(z.unknown())
  .max(MOST.entries, `more than ${MOST.entries} entries`)
  .nullish()
  .transform((list) => list ?? []);
