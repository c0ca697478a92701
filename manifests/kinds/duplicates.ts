import type * as z from 'zod';

/**
 * Reports every item of a list whose key an earlier one has.
 * @param what names the key for a person: `container name`.
 * @param stepsTo leads from the value being checked to the key of the item at an index.
 */
export function reportDuplicates<Item>(
  context: z.RefinementCtx,
  list: {
    readonly what: string;
    readonly items: readonly Item[];
    readonly keyOf: (item: Item) => string | undefined;
    readonly stepsTo: (index: number) => (string | number)[];
  },
): void {
  const seen = new Set<string>();
  for (const [index, item] of list.items.entries()) {
    const key = list.keyOf(item);
    if (key === undefined) continue;
    if (seen.has(key)) {
      const message = `${list.what} \`${key}\` is used twice; keep one, or choose another`;
      context.addIssue({ code: 'custom', path: list.stepsTo(index), message });
    }
    seen.add(key);
  }
}
