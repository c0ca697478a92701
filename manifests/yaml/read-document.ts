import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import type { Problem } from '../origin.ts';
import { quoted } from '../text/quoted.ts';
import { childPath } from './field-path.ts';
import { flawOf } from './scalar-flaw.ts';
import type { Place, YamlDocument } from './yaml-document.ts';

/**
 * Turns a composed document without syntax errors into plain JSON with positions.
 * @param placeAt gives the place of an offset in the file.
 */
export function readDocument(
  file: string,
  document: Document.Parsed,
  placeAt: (offset: number) => Place,
): { readonly document: YamlDocument; readonly problems: readonly Problem[] } {
  const reading: Reading = { file, placeAt, positions: new Map(), flawed: new Set(), problems: [] };
  const root = document.contents as Node;
  reading.positions.set('', placeAt(root.range?.[0] ?? 0));
  const value = readNode(root, '', reading);
  return {
    document: {
      file,
      value: value === UNREADABLE ? null : value,
      positions: Object.fromEntries(reading.positions),
      flawed: [...reading.flawed],
    },
    problems: reading.problems,
  };
}

interface Reading {
  readonly file: string;
  readonly placeAt: (offset: number) => Place;
  readonly positions: Map<string, Place>;
  readonly flawed: Set<string>;
  readonly problems: Problem[];
}

/** Stands for a value that was reported and has no meaning. */
const UNREADABLE = Symbol('unreadable');

function readNode(node: Node | null, path: string, reading: Reading): unknown {
  if (node === null) return null;
  if (isAlias(node)) return refuse(path, reading, 'aliases (`*name`) are not supported; write the value out');
  if (node.anchor) return refuse(path, reading, 'anchors (`&name`) are not supported; write each value out');
  if (node.tag) return refuse(path, reading, `tags such as ${quoted(node.tag)} are not supported; remove it`);
  if (isMap(node)) return readMap(node as YAMLMap<unknown, Node | null>, path, reading);
  if (isSeq(node)) return readList(node.items as (Node | null)[], path, reading);
  if (!isScalar(node)) return refuse(path, reading, 'cannot be read; write a value, a list or a map');
  const flaw = flawOf(node);
  return flaw === null ? node.value : refuse(path, reading, flaw);
}

function readList(items: readonly (Node | null)[], path: string, reading: Reading): unknown[] {
  return items.map((item, index) => {
    const itemPath = childPath(path, index);
    notePosition(itemPath, item, reading);
    const value = readNode(item, itemPath, reading);
    return value === UNREADABLE ? null : value;
  });
}

function readMap(map: YAMLMap<unknown, Node | null>, path: string, reading: Reading): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const pair of map.items) {
    const key = readKey(pair.key as Node | null, path, reading);
    if (key === null) continue;
    const keyPath = childPath(path, key);
    const first = reading.positions.get(keyPath);
    if (first) {
      const message = `field ${quoted(key)} is written twice, first on line ${first.line}; keep one`;
      report(keyPath, placeOfNode(pair.key as Node, reading), reading, message);
      continue;
    }
    notePosition(keyPath, pair.key as Node, reading);
    const child = readNode(pair.value, keyPath, reading);
    if (child !== UNREADABLE) value[key] = child;
  }
  return value;
}

/** @returns the key, or null when it was refused. */
function readKey(node: Node | null, path: string, reading: Reading): string | null {
  const place = node === null ? null : placeOfNode(node, reading);
  const refuseKey = (message: string): null => {
    report(path, place ?? reading.positions.get(path), reading, message);
    return null;
  };
  if (!isScalar(node) || node.anchor || node.tag) return refuseKey('a key must be plain text');
  if (typeof node.value !== 'string') return refuseKey('a key must be text; put it in quotes');
  if (node.value === '<<') return refuseKey('merge keys (`<<`) are not supported; write the fields out');
  if (node.value === '__proto__') return refuseKey('a key must not be `__proto__`; rename it');
  const flaw = flawOf(node);
  return flaw === null ? node.value : refuseKey(`a key ${flaw}`);
}

function refuse(path: string, reading: Reading, message: string): typeof UNREADABLE {
  report(path, reading.positions.get(path), reading, message);
  return UNREADABLE;
}

function report(path: string, place: Place | undefined, reading: Reading, message: string): void {
  reading.problems.push({ file: reading.file, ...(place ?? { line: 1, column: 1 }), path, message });
  reading.flawed.add(path);
}

function notePosition(path: string, node: Node | null, reading: Reading): void {
  const place = node === null ? undefined : placeOfNode(node, reading);
  if (place) reading.positions.set(path, place);
}

function placeOfNode(node: Node, reading: Reading): Place {
  return reading.placeAt(node.range?.[0] ?? 0);
}
