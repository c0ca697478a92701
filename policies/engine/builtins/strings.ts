import { itemsOf, type Term } from '../terms/term.ts';
import { areTexts, type Builtin, type Builtins, ofTexts } from './builtin.ts';
import { sprintf } from './sprintf/sprintf.ts';

/** Texts (OPA, "Policy Reference", Strings). */
export const STRINGS: Builtins = {
  sprintf: (format, values) => sprintf(format, values),
  trace: () => true,
  'strings.any_prefix_match': anyMatch((text, prefix) => text.startsWith(prefix)),
  'strings.any_suffix_match': anyMatch((text, suffix) => text.endsWith(suffix)),
  'strings.count': ofTexts((text = '', part = '') => countOf(text, part)),
  indexof_n: ofTexts((text = '', part = '') => (part === '' ? undefined : indexesOf(text, part))),
};

/** One text or several on either side: whether any of the one matches any of the other. */
function anyMatch(matches: (text: string, part: string) => boolean): Builtin {
  return (search, base) => {
    const [texts, parts] = [textsOf(search), textsOf(base)];
    return texts && parts && texts.some((text) => parts.some((part) => matches(text, part)));
  };
}

function textsOf(term: Term | undefined): readonly string[] | undefined {
  const terms = typeof term === 'string' ? [term] : itemsOf(term);
  return terms && areTexts(terms) ? terms : undefined;
}

/** As Go counts: nothing is found once more than there are characters. */
const countOf = (text: string, part: string): number =>
  part === '' ? [...text].length + 1 : text.split(part).length - 1;

/** In characters, overlaps included. */
function indexesOf(text: string, part: string): readonly number[] {
  const characters = [...text];
  const wanted = [...part];
  return characters.flatMap((_, start) => (wanted.every((one, i) => characters[start + i] === one) ? [start] : []));
}
