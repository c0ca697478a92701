import * as z from 'zod';

/**
 * Schema of a Kubernetes quantity, written as text or number.
 * @param read gives the amount, or what is wrong; `least` is the smallest amount allowed.
 */
export function quantity(read: (text: string) => number | string, least: 0 | 1): z.ZodType<number> {
  const written = z.union([z.string(), z.number()], { error: 'must be a quantity, such as `500m` or `128Mi`' });
  return written.transform((value, context) => {
    const amount = read(String(value));
    if (typeof amount === 'number' && amount >= least) return amount;
    const message = typeof amount === 'string' ? amount : 'must be more than zero';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}
