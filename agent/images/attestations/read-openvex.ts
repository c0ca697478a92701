import * as z from 'zod';
import type { AttestationContent, VexStatement } from '../../../policies/index.ts';
import { hexOf } from '../digest.ts';
import { entries, longText, MOST, optionalText, text } from './bounds.ts';
import { optionalInstant } from './instant.ts';

const document = z.object({
  '@context': z.string().regex(/^https:\/\/openvex\.dev\/ns(\/v\d+(\.\d+)*)?$/, 'expected the context of OpenVEX'),
  author: optionalText,
  timestamp: optionalInstant,
  last_updated: optionalInstant,
  statements: entries,
});

/** A product, or a part of one. Before OpenVEX 0.2 it was a bare text. */
const component = z.object({
  '@id': longText.nullish(),
  identifiers: z.record(z.string(), longText).nullish(),
  hashes: z.record(z.string(), text).nullish(),
});
const subcomponents = z
  .array(z.union([longText, component]))
  .max(1_000)
  .nullish();
const product = z.union([longText, component.extend({ subcomponents })]);

const statement = z.object({
  vulnerability: z.union([text.min(1), z.object({ name: text.min(1), aliases: z.array(text).max(100).nullish() })]),
  timestamp: optionalInstant,
  products: z.array(product).max(1_000).nullish(),
  subcomponents,
  status: z.enum(['not_affected', 'affected', 'fixed', 'under_investigation']),
  justification: optionalText,
});

/** Reads an OpenVEX document (github.com/openvex/spec, 0.0.1 to 0.2.0). @throws ZodError */
export function readOpenVex(predicate: unknown, digests: readonly string[]): AttestationContent {
  const { author, timestamp, last_updated, statements } = document.parse(predicate);
  const updatedNs = last_updated ?? timestamp;
  const found = z.array(statement).parse(statements);
  const kept = found.slice(0, MOST.statements);
  return {
    kind: 'vex',
    vex: {
      author,
      updatedNs,
      statements: kept.map((each) => factsOf(each, updatedNs, digests)),
      isTruncated: found.length > MOST.statements,
    },
  };
}

function factsOf(one: z.infer<typeof statement>, documentNs: number | null, digests: readonly string[]): VexStatement {
  const products = one.products ?? [];
  const parts = [...(one.subcomponents ?? []), ...products.flatMap(subcomponentsOf)];
  const { vulnerability } = one;
  return {
    id: typeof vulnerability === 'string' ? vulnerability : vulnerability.name,
    aliases: typeof vulnerability === 'string' ? [] : (vulnerability.aliases ?? []),
    status: one.status,
    justification: one.justification,
    products: products.flatMap(namesOf).slice(0, MOST.products),
    components: parts.flatMap(namesOf).slice(0, MOST.products),
    isOfImage: products.length === 0 || products.some((each) => isDigestOf(each, digests)),
    statedNs: one.timestamp ?? documentNs,
  };
}

function subcomponentsOf(one: z.infer<typeof product>): readonly z.infer<typeof product>[] {
  return typeof one === 'string' ? [] : (one.subcomponents ?? []);
}

function namesOf(one: z.infer<typeof product>): readonly string[] {
  if (typeof one === 'string') return [one];
  return [...new Set([one['@id'], ...Object.values(one.identifiers ?? {})])].filter((name) => typeof name === 'string');
}

/** By `pkg:oci/name@sha256%3A…`, `name@sha256:…`, or a hash. Anything looser could be another image. */
function isDigestOf(one: z.infer<typeof product>, digests: readonly string[]): boolean {
  const named = namesOf(one).map((name) => /@sha256(?::|%3a)([0-9a-f]{64})(?:[?#]|$)/i.exec(name)?.[1]);
  const hash = typeof one === 'string' ? undefined : one.hashes?.['sha-256'];
  const hexes = [...named, hash].map((hex) => hex?.toLowerCase());
  return digests.some((digest) => hexes.includes(hexOf(digest)));
}
