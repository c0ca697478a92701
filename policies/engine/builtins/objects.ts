import { compareTerms, isArrayTerm, isObjectTerm, isSetTerm, itemsOf, setOf, type Term } from '../terms/term.ts';
import type { Builtins } from './builtin.ts';
import { patchJson } from './json-patch.ts';

/** Objects, sets and graphs (OPA, "Policy Reference", Object and Graph). */
export const OBJECTS: Builtins = {
  'json.patch': (document, operations) => (document === undefined ? undefined : patchJson(document, operations)),
  'object.subset': (whole, part) => (whole === undefined || part === undefined ? undefined : isSubset(whole, part)),
  'graph.reachable_paths': (graph, starts) => reachablePaths(graph, starts),
};

const equal = (a: Term | undefined, b: Term | undefined): boolean =>
  a !== undefined && b !== undefined && compareTerms(a, b) === 0;

/** Objects key by key and deep, sets by their members, arrays as a piece of the other; other pairs are an error. */
function isSubset(whole: Term, part: Term): boolean | undefined {
  if (isObjectTerm(whole) && isObjectTerm(part)) return part.entries.every(([key, value]) => holds(whole, key, value));
  if (isSetTerm(whole) && isSetTerm(part)) return part.items.every((item) => hasItem(whole.items, item));
  if (isArrayTerm(whole) && isArrayTerm(part)) return hasPiece(whole, part);
  if (isArrayTerm(whole) && isSetTerm(part)) return part.items.every((item) => hasItem(whole, item));
  return undefined;
}

function holds(whole: Term, key: Term, value: Term): boolean {
  const found = isObjectTerm(whole) ? whole.entries.find(([other]) => equal(other, key))?.[1] : undefined;
  if (found === undefined) return false;
  return isSubset(found, value) ?? equal(found, value);
}

const hasItem = (items: readonly Term[], item: Term): boolean => items.some((other) => equal(other, item));

function hasPiece(whole: readonly Term[], part: readonly Term[]): boolean {
  if (part.length === 0) return true;
  return whole.some((_, start) => part.every((item, index) => equal(whole[start + index], item)));
}

const MAX_PATHS = 100_000;

/** Every path from a start to where it ends or comes back to itself. @throws Error for more than 100,000 */
function reachablePaths(graph: Term | undefined, starts: Term | undefined): Term | undefined {
  const roots = itemsOf(starts);
  if (!isObjectTerm(graph) || !roots) return undefined;
  const neighboursOf = (node: Term): readonly Term[] | undefined => {
    const entry = graph.entries.find(([key]) => equal(key, node));
    return entry && (itemsOf(entry[1]) ?? []);
  };
  const paths: Term[][] = [];
  const waiting = roots.filter((root) => neighboursOf(root)).map((root) => [root]);
  for (let path = waiting.pop(); path; path = waiting.pop()) {
    const known = path;
    const next = neighboursOf(path.at(-1) as Term) ?? [];
    const unseen = next.filter((node) => neighboursOf(node) && !hasItem(known, node));
    if (unseen.length < next.length || next.length === 0) paths.push(path);
    waiting.push(...unseen.map((node) => [...known, node]));
    if (paths.length + waiting.length > MAX_PATHS) throw new Error('graph.reachable_paths: more than 100000 paths');
  }
  return setOf(paths);
}
