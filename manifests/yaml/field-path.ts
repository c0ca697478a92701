/** Steps from the root of a document to a field: map keys and list indexes (from 0). */
export type FieldSteps = readonly (string | number)[];

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Writes the way to a field as users read it: `spec.containers[0].image`; a key that is not a plain identifier
 * becomes `metadata.labels["a/b"]`. The root is the empty text.
 */
export function fieldPath(steps: FieldSteps): string {
  return steps.reduce<string>(childPath, '');
}

/** @returns the path of a child of `parent`. */
export function childPath(parent: string, step: string | number): string {
  if (typeof step === 'number') return `${parent}[${step}]`;
  if (!IDENTIFIER.test(step)) return `${parent}[${JSON.stringify(step)}]`;
  return parent === '' ? step : `${parent}.${step}`;
}
