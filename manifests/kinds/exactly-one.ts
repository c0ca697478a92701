import type * as z from 'zod';
import { quoted } from '../text/quoted.ts';

/** @returns a check that exactly one of some optional fields is written. */
export function exactlyOne<Field extends string>(
  fields: readonly Field[],
): (written: Partial<Readonly<Record<Field, unknown>>>, context: z.RefinementCtx) => void {
  return (written, context) => {
    if (fields.filter((field) => written[field] !== undefined).length === 1) return;
    context.addIssue({ code: 'custom', message: `must have exactly one of ${fields.map(quoted).join(', ')}` });
  };
}
