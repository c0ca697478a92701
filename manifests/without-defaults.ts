/**
 * Leaves out the fields that say nothing: null, false, an empty list, an object of such fields. The IR keeps to this:
 * a field added to it means, when it says nothing, what held before there was one.
 */
export function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => [key, withoutDefaults(field)] as const);
  return Object.fromEntries(fields.filter(([, field]) => saysSomething(field)));
}

function saysSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== null && value !== false;
}
