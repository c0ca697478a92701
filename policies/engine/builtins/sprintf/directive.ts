/** One directive of a format, such as `%-5.2f`, before arguments are put in. */
export interface Directive {
  readonly flags: ReadonlySet<string>;
  readonly width: Amount;
  readonly precision: Amount;
  /** Which argument, from 1 on; null for the next one. */
  readonly argument: string | null;
  /** One character; null when the format ends before it. */
  readonly verb: string | null;
}

/** Given in digits, taken from an argument (`*`, of the number in `index` or the next), or not given. */
export type Amount =
  | { readonly kind: 'none' }
  | { readonly kind: 'given'; readonly value: number }
  | { readonly kind: 'argument'; readonly index: string | null };

const DIRECTIVE =
  /%(?<flags>[-+# 0]*)(?:(?:\[(?<widthIndex>[^\]]*)\])?(?<widthStar>\*)|(?<width>\d+))?(?:(?<dot>\.)(?:(?:\[(?<precisionIndex>[^\]]*)\])?(?<precisionStar>\*)|(?<precision>\d+))?)?(?:\[(?<argument>[^\]]*)\])?(?<verb>.)?/suy;

/** @returns the pieces of a format in order: plain texts and directives (Go's package fmt). */
export function parseFormat(format: string): readonly (string | Directive)[] {
  const pieces: (string | Directive)[] = [];
  let at = 0;
  while (at < format.length) {
    const next = format.indexOf('%', at);
    if (next !== at) pieces.push(format.slice(at, next < 0 ? undefined : next));
    if (next < 0) break;
    DIRECTIVE.lastIndex = next;
    const found = DIRECTIVE.exec(format) as RegExpExecArray;
    pieces.push(toDirective(found.groups as Readonly<Record<string, string | undefined>>));
    at = DIRECTIVE.lastIndex;
  }
  return pieces;
}

function toDirective(groups: Readonly<Record<string, string | undefined>>): Directive {
  const { widthIndex, widthStar, width, dot, precisionIndex, precisionStar, precision } = groups;
  return {
    flags: new Set(groups.flags),
    width: toAmount(widthStar, widthIndex, width),
    precision: toAmount(precisionStar, precisionIndex, precision ?? (dot && '0')),
    argument: groups.argument ?? null,
    verb: groups.verb ?? null,
  };
}

function toAmount(star: string | undefined, index: string | undefined, digits: string | undefined): Amount {
  if (star !== undefined) return { kind: 'argument', index: index ?? null };
  return digits ? { kind: 'given', value: Number(digits) } : { kind: 'none' };
}
