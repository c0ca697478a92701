import { isArrayTerm, type Term } from '../../terms/term.ts';
import { type Argument, toArgument, widthOf } from './argument.ts';
import { type Amount, type Directive, parseFormat } from './directive.ts';
import { formatArgument } from './format-argument.ts';

const NO_STYLE = { flags: new Set<string>(), width: null, precision: null };

/**
 * Rego's `sprintf`: Go's formatting (package fmt) of what OPA makes of the values, with Go's own words for a missing
 * argument, one too many, or a verb that is not for it.
 * @param format with directives such as `%v`. @param values an array; undefined for anything else.
 */
export function sprintf(format: Term | undefined, values: Term | undefined): string | undefined {
  if (typeof format !== 'string' || !isArrayTerm(values)) return undefined;
  const list = openArguments(values.map(toArgument));
  const text = parseFormat(format)
    .map((piece) => (typeof piece === 'string' ? piece : write(piece, list)))
    .join('');
  return text + describeExtra(list.left());
}

function write(directive: Directive, list: ArgumentList): string {
  const { verb } = directive;
  const { isBad: isBadWidth, value: width } = amountOf(directive.width, list);
  const { isBad: isBadPrecision, value: precision } = amountOf(directive.precision, list);
  const complaint = (isBadWidth ? '%!(BADWIDTH)' : '') + (isBadPrecision ? '%!(BADPREC)' : '');
  if (verb === null) return `${complaint}%!(NOVERB)`;
  if (verb === '%') return `${complaint}%`;
  if (!list.goTo(directive.argument)) return `${complaint}%!${verb}(BADINDEX)`;
  const argument = list.take();
  if (argument === undefined) return `${complaint}%!${verb}(MISSING)`;
  const flags = new Set(directive.flags);
  // As Go has it: a negative width from an argument is one to the left, a negative precision is none.
  if (width !== null && width < 0) flags.add('-');
  const style = { flags, width: width === null ? null : Math.abs(width), precision: positive(precision) };
  return complaint + formatArgument(argument, verb, style);
}

const positive = (precision: number | null): number | null => (precision !== null && precision < 0 ? null : precision);

function amountOf(amount: Amount, list: ArgumentList): { readonly value: number | null; readonly isBad: boolean } {
  if (amount.kind === 'none') return { value: null, isBad: false };
  if (amount.kind === 'given') return { value: amount.value, isBad: false };
  const width = list.goTo(amount.index) ? widthOf(list.take()) : undefined;
  return { value: width ?? null, isBad: width === undefined };
}

/** Such as `%!(EXTRA int=2, string=b)`. */
function describeExtra(left: readonly Argument[]): string {
  if (left.length === 0) return '';
  const list = left.map((argument) => `${argument.type}=${formatArgument(argument, 'v', NO_STYLE)}`);
  return `%!(EXTRA ${list.join(', ')})`;
}

/** The arguments of one call, taken in order unless a directive names one. */
interface ArgumentList {
  /** @param index digits; null to stay. @returns false when there is no such argument. */
  goTo(index: string | null): boolean;
  take(): Argument | undefined;
  /** Those never reached; none once a directive has named one (Go cannot tell then). */
  left(): readonly Argument[];
}

function openArguments(all: readonly Argument[]): ArgumentList {
  let next = 0;
  let isReordered = false;
  return {
    goTo: (index) => {
      if (index === null) return true;
      isReordered = true;
      const number = /^\d+$/.test(index) ? Number(index) : 0;
      if (number < 1 || number > all.length) return false;
      next = number - 1;
      return true;
    },
    take: () => all[next++],
    left: () => (isReordered ? [] : all.slice(next)),
  };
}
