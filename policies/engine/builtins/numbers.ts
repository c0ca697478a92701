import { whole, wholeOf } from '../terms/term.ts';
import type { Builtins } from './builtin.ts';

const MAX_ITEMS = 1_000_000n;

/** Numbers (OPA, "Policy Reference", Numbers). */
export const NUMBERS: Builtins = {
  /** From one whole number to another, both included, up or down. @throws Error for more than a million */
  'numbers.range_step': (from, to, by) => {
    const [first, last, step] = [wholeOf(from), wholeOf(to), wholeOf(by)];
    if (first === undefined || last === undefined || step === undefined || step <= 0n) return undefined;
    const distance = first <= last ? last - first : first - last;
    if (distance / step > MAX_ITEMS) throw new Error('numbers.range_step: more than a million numbers');
    const direction = first <= last ? step : -step;
    return Array.from({ length: Number(distance / step) + 1 }, (_, index) => whole(first + direction * BigInt(index)));
  },
};
