import { RE2JS } from 're2js';
import { type Builtin, type Builtins, ofTexts } from './builtin.ts';

const MAX_PATTERNS = 100;
const patterns = new Map<string, RE2JS | null>();

/** Patterns of RE2, as Go has them: linear in the text, whatever it is (OPA, "Policy Reference", Regex and Glob). */
export const REGEX: Builtins = {
  'regex.split': ofPattern(([pattern, text = '']) => [pattern, (regex) => split(regex, text)]),
  'regex.replace': ofPattern(([text = '', pattern, value = '']) => [pattern, (regex) => replace(regex, text, value)]),
  'regex.find_n': (pattern, text, count) => {
    const regex = typeof pattern === 'string' ? compile(pattern) : null;
    if (!regex || typeof text !== 'string' || typeof count !== 'number') return undefined;
    return matchesOf(regex, text, count < 0 ? Number.POSITIVE_INFINITY : count).map(({ start, end }) =>
      text.slice(start, end),
    );
  },
  'regex.template_match': ofTexts((template = '', text = '', open = '', close = '') =>
    matchTemplate({ template, text, open, close }),
  ),
  'glob.quote_meta': ofTexts((text = '') => text.replace(/[*?\\[\]{}]/g, (one) => `\\${one}`)),
};

type Compute = (regex: RE2JS) => string | readonly string[];

function ofPattern(choose: (texts: readonly string[]) => readonly [string | undefined, Compute]): Builtin {
  return ofTexts((...texts) => {
    const [pattern = '', compute] = choose(texts);
    const regex = compile(pattern);
    return regex ? compute(regex) : undefined;
  });
}

/** @returns null for what is no pattern of RE2. */
function compile(pattern: string): RE2JS | null {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  if (patterns.size >= MAX_PATTERNS) patterns.clear();
  let compiled: RE2JS | null = null;
  try {
    compiled = RE2JS.compile(pattern);
  } catch {
    compiled = null;
  }
  patterns.set(pattern, compiled);
  return compiled;
}

interface Match {
  readonly start: number;
  readonly end: number;
  /** Texts of the groups, by number from 0 on; undefined where a group took no part. */
  readonly groups: readonly (string | null)[];
}

/** Go's way: from left to right, and no empty match right behind another. */
function matchesOf(regex: RE2JS, text: string, max: number): readonly Match[] {
  const matcher = regex.matcher(text);
  const found: Match[] = [];
  let previousEnd = -1;
  while (found.length < max && matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (start === end && start === previousEnd) continue;
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index));
    found.push({ start, end, groups });
    previousEnd = end;
  }
  return found;
}

function split(regex: RE2JS, text: string): readonly string[] {
  if (text === '') return regex.pattern() === '' ? [] : [''];
  const parts: string[] = [];
  let from = 0;
  for (const { start, end } of matchesOf(regex, text, Number.POSITIVE_INFINITY)) {
    // As Go: an empty match at the beginning or the end splits nothing.
    if (end === 0) continue;
    if (start === text.length && start === end) break;
    parts.push(text.slice(from, start));
    from = end;
  }
  return [...parts, text.slice(from)];
}

function replace(regex: RE2JS, text: string, value: string): string {
  const names = regex.namedGroups();
  let [result, from] = ['', 0];
  for (const match of matchesOf(regex, text, Number.POSITIVE_INFINITY)) {
    result += text.slice(from, match.start) + expand(value, match, names);
    from = match.end;
  }
  return result + text.slice(from);
}

/** Go's templates: `$1`, `$name`, `${name}`, and `$$` for a dollar; the longest name counts. */
function expand(value: string, { groups }: Match, names: Readonly<Record<string, number>>): string {
  return value.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return whole === '$$' ? '$' : whole;
    const index = /^\d+$/.test(name) ? Number(name) : names[name];
    return (index === undefined ? '' : groups[index]) ?? '';
  });
}

/** A text with patterns between delimiters, such as `urn:foo:{.*}`. */
function matchTemplate(options: {
  readonly template: string;
  readonly text: string;
  readonly open: string;
  readonly close: string;
}): boolean | undefined {
  const { template, text, open, close } = options;
  if ([...open].length !== 1 || [...close].length !== 1) return undefined;
  let [pattern, depth, part] = ['', 0, ''];
  for (const character of template) {
    if (character === open && depth++ === 0) {
      pattern += RE2JS.quote(part);
      part = '';
    } else if (character === close && --depth === 0) {
      pattern += `(${part})`;
      part = '';
    } else if (depth < 0) return undefined;
    else part += character;
  }
  const regex = depth === 0 ? compile(`^${pattern}${RE2JS.quote(part)}$`) : null;
  return regex ? matchesOf(regex, text, 1).length === 1 : undefined;
}
