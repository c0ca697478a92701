import * as z from 'zod';

/**
 * A field of the runtime-spec that this runtime does not carry out: there only when it asks for nothing. Ignoring it
 * would run a container with less protection, or less of what was asked for, than its author was told.
 */
export const refused = z
  .unknown()
  .refine(asksForNothing, 'this runtime does not support it: leave it out')
  .optional()
  .transform(() => undefined);

function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
