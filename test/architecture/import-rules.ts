import { ENTRY_POINT, IMPURE_NAMES, PURE_BUILTINS, PURE_PLACES, ROOMS } from './rules.ts';
import type { Import, Source } from './sources.ts';

const COMMENT_OR_STRING = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;

/** @returns imports from a room that the importing room may not know, or past that room's index.ts. */
export function forbiddenImports(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) =>
    source.imports.filter((used) => used.path !== undefined && !isAllowed(source.path, used.path)).map(naming(source)),
  );
}

function isAllowed(from: string, to: string): boolean {
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)];
  if (fromRoom === 'test') return true;
  if (ENTRY_POINT.test(to)) return false;
  if (fromRoom === toRoom) return true;
  const known = ROOMS.find((room) => room.name === fromRoom)?.mayImport ?? [];
  return known.includes(toRoom) && to === `${toRoom}/index.ts`;
}

/** @returns each circle of files that import each other, types included, as `a -> b -> a`. */
export function importCycles(sources: readonly Source[]): readonly string[] {
  const graph = new Map(sources.map((source) => [source.path, ownImports(source)]));
  const finished = new Set<string>();
  const trail: string[] = [];
  const cycles: string[] = [];
  const visit = (path: string): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    if (finished.has(path) || trail.includes(path)) return;
    trail.push(path);
    for (const next of graph.get(path) ?? []) visit(next);
    trail.pop();
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return cycles;
}

function ownImports(source: Source): readonly string[] {
  return source.imports.flatMap((used) => used.path ?? []);
}

/**
 * @param roots files that are used without being imported
 * @returns files that nothing leads to from the roots
 */
export function unreached(sources: readonly Source[], roots: readonly string[]): readonly string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) return;
    reached.add(path);
    for (const next of [...ownImports(source), ...source.mentions]) visit(next);
  };
  for (const root of roots) visit(root);
  return [...byPath.keys()].filter((path) => !reached.has(path));
}

/** @returns imports and names by which a pure place would reach time, chance or the outside world. */
export function impurities(sources: readonly Source[]): readonly string[] {
  return sources
    .filter((source) => isPure(source.path))
    .flatMap((source) => [
      ...source.imports.filter((used) => !keepsPure(source.path, used)).map(naming(source)),
      ...impureNames(source),
    ]);
}

function isPure(path: string): boolean {
  return PURE_PLACES.some((place) => path.startsWith(place));
}

function keepsPure(from: string, used: Import): boolean {
  if (used.typeOnly) return true;
  if (used.path !== undefined) return isPure(used.path);
  const builtins = Object.entries(PURE_BUILTINS).find(([place]) => from.startsWith(place))?.[1] ?? [];
  return !used.specifier.startsWith('node:') || builtins.includes(used.specifier);
}

function impureNames(source: Source): readonly string[] {
  const code = source.text.replaceAll(COMMENT_OR_STRING, (text) => text.replaceAll(/[^\n]/g, ' '));
  return code.split('\n').flatMap((line, index) => {
    const name = IMPURE_NAMES.exec(line)?.[0];
    return name === undefined ? [] : [`${source.path}:${index + 1} uses ${name}`];
  });
}

function naming(source: Source): (used: Import) => string {
  return (used) => `${source.path} imports ${used.specifier}`;
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}
