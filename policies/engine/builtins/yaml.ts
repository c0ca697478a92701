import { parseAllDocuments, stringify, type Tags } from 'yaml';
import { fromPlain } from '../terms/json.ts';
import { isArrayTerm, isObjectTerm, isSetTerm, type Term } from '../terms/term.ts';
import type { Builtins } from './builtin.ts';

/** YAML as OPA reads it, that is as Kubernetes does: version 1.1, the first document. */
export const YAML: Builtins = {
  'yaml.is_valid': (text) => typeof text === 'string' && parse(text) !== undefined,
  'yaml.unmarshal': (text) => (typeof text === 'string' ? parse(text) : undefined),
  'yaml.marshal': (term) => (term === undefined ? undefined : marshal(term)),
};

/** Keys may be repeated, and there are no types beyond those of JSON. */
const KUBERNETES = {
  version: '1.1',
  schema: 'yaml-1.1',
  uniqueKeys: false,
  customTags: (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || !BEYOND_JSON.test(tag.tag)),
} as const;
const BEYOND_JSON = /:(omap|pairs|set|timestamp)$/;

const MAX_ALIASES = 100;

function parse(text: string): Term | undefined {
  const [document] = parseAllDocuments(text, { ...KUBERNETES, intAsBigInt: true, prettyErrors: false });
  if (!document || !('toJS' in document)) return null;
  if (document.errors.length > 0) return undefined;
  try {
    return withTextKeys(fromPlain(document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES })));
  } catch {
    return undefined;
  }
}

/** What is no text becomes one, for OPA takes YAML by way of JSON. */
function withTextKeys(term: Term): Term {
  if (isArrayTerm(term)) return term.map(withTextKeys);
  if (typeof term === 'bigint') return Number.isSafeInteger(Number(term)) ? Number(term) : term;
  if (!isObjectTerm(term)) return term;
  const entries = term.entries.map(([key, value]) => [String(key), withTextKeys(value)] as const);
  return { kind: 'object', entries };
}

const marshal = (term: Term): string => stringify(toPlain(term), { ...KUBERNETES, indentSeq: false, lineWidth: 0 });

function toPlain(term: Term): unknown {
  if (isArrayTerm(term)) return term.map(toPlain);
  if (isSetTerm(term)) return term.items.map(toPlain);
  return isObjectTerm(term) ? new Map(term.entries.map(([key, value]) => [toPlain(key), toPlain(value)])) : term;
}
