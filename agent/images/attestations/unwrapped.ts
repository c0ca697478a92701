/**
 * cosign before 2.0 put a document it was given as a predicate inside `{ "Data": … }`.
 * @param mark a field that the document itself has.
 */
export function unwrapped(predicate: unknown, mark: string): unknown {
  const isObject = typeof predicate === 'object' && predicate !== null;
  return isObject && !(mark in predicate) && 'Data' in predicate ? predicate.Data : predicate;
}
