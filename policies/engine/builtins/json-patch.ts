import {
  compareTerms,
  fieldOf,
  isArrayTerm,
  isObjectTerm,
  isSetTerm,
  itemsOf,
  objectOf,
  setOf,
  type Term,
} from '../terms/term.ts';

/** Where in a document: one step for each level. */
type Path = readonly Term[];
/** What becomes of the value at the end of a path; undefined removes it. */
type Change = (old: Term | undefined) => Term | undefined;

/** Said of a patch that does not fit its document. */
class Misfit extends Error {}

/**
 * Applies a patch (RFC 6902) as OPA has it: paths are texts or arrays of steps, and sets are stepped into by their members.
 * @param operations an array of objects. @returns undefined when the patch is none, or one operation does not fit.
 */
export function patchJson(document: Term, operations: Term | undefined): Term | undefined {
  if (!isArrayTerm(operations)) return undefined;
  try {
    return operations.reduce((current: Term, operation) => apply(current, operation), document);
  } catch (error) {
    if (error instanceof Misfit) return undefined;
    throw error;
  }
}

function apply(document: Term, operation: Term): Term {
  if (!isObjectTerm(operation)) throw new Misfit();
  const path = pathOf(fieldOf(operation, 'path'));
  const value = fieldOf(operation, 'value');
  switch (fieldOf(operation, 'op')) {
    case 'add':
      return add(document, path, value);
    case 'replace':
      return change(document, path, () => present(value));
    case 'remove':
      return remove(document, path);
    case 'move': {
      const from = pathOf(fieldOf(operation, 'from'));
      return add(remove(document, from), path, read(document, from));
    }
    case 'copy':
      return add(document, path, read(document, pathOf(fieldOf(operation, 'from'))));
    case 'test':
      if (compareTerms(read(document, path), present(value)) !== 0) throw new Misfit();
      return document;
    default:
      throw new Misfit();
  }
}

function present(value: Term | undefined): Term {
  if (value === undefined) throw new Misfit();
  return value;
}

/** RFC 6901, with or without the first slash. */
function pathOf(term: Term | undefined): Path {
  if (isArrayTerm(term)) return term;
  if (typeof term !== 'string') throw new Misfit();
  if (term === '') return [];
  return term
    .replace(/^\//, '')
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: Term, path: Path): Term {
  let found: Term | undefined;
  change(document, path, (old) => {
    found = old;
    return old;
  });
  return present(found);
}

function remove(document: Term, path: Path): Term {
  if (path.length === 0) throw new Misfit();
  return change(document, path, () => undefined);
}

/** Changes what is there. @throws Misfit when nothing is */
function change(document: Term, path: Path, to: Change): Term {
  const [step, ...rest] = path;
  if (step === undefined) return present(to(document));
  const replaced = (old: Term | undefined): Term | undefined =>
    rest.length === 0 ? to(present(old)) : change(present(old), rest, to);
  return withChild(document, step, replaced);
}

/** Puts a value where none was, or in front of what is there in an array. */
function add(document: Term, path: Path, value: Term | undefined): Term {
  const added = present(value);
  if (path.length === 0) return added;
  const last = path.at(-1) as Term;
  const parent = path.slice(0, -1);
  return change(document, parent, (old) => {
    const holder = present(old);
    if (!isArrayTerm(holder)) return withChild(holder, last, () => added);
    const index = last === '-' ? holder.length : indexIn(last, holder.length);
    return [...holder.slice(0, index), added, ...holder.slice(index)];
  });
}

function withChild(holder: Term, step: Term, to: Change): Term {
  if (isArrayTerm(holder)) {
    const index = indexIn(step, holder.length - 1);
    const changed = to(holder[index]);
    return [...holder.slice(0, index), ...(changed === undefined ? [] : [changed]), ...holder.slice(index + 1)];
  }
  if (isObjectTerm(holder)) {
    const changed = to(holder.entries.find(([key]) => compareTerms(key, step) === 0)?.[1]);
    const others = holder.entries.filter(([key]) => compareTerms(key, step) !== 0);
    return objectOf(changed === undefined ? others : [...others, [step, changed]]);
  }
  if (!isSetTerm(holder)) throw new Misfit();
  const changed = to(itemsOf(holder)?.find((item) => compareTerms(item, step) === 0));
  const others = holder.items.filter((item) => compareTerms(item, step) !== 0);
  return setOf(changed === undefined ? others : [...others, changed]);
}

function indexIn(step: Term, max: number): number {
  const index = typeof step === 'string' && /^(0|[1-9]\d*)$/.test(step) ? Number(step) : step;
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > max) throw new Misfit();
  return index;
}
