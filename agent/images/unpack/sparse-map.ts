import type { RawHeader } from './raw-header.ts';
import { type LayerName, refuse } from './refusal.ts';

/** A stretch of a sparse file that has content; what is between two reads as zeros. */
export interface Extent {
  readonly offset: number;
  readonly bytes: number;
}

/** A sparse file (GNU tar's manual, "Storing Sparse Files"). */
export interface SparseFile {
  /** Of the whole file. */
  readonly size: number;
  /** Null where the map is not in the header but before the content (PAX format 1.0). */
  readonly extents: readonly Extent[] | null;
  /** The file's own name, where the entry's is a stand-in. */
  readonly name: string | null;
}

/** More stretches than any real file has. */
export const MOST_EXTENTS = 100_000;

/** @returns whether a key of an extended header is about a sparse file. */
export function isSparseKey(key: string): boolean {
  return key.startsWith('GNU.sparse.');
}

/**
 * Reads the sparse formats that the extended header tells of: 0.0, 0.1 and 1.0.
 * @returns null for a file that is not sparse. @throws ImageError `bad-layer`
 */
export function readPaxSparse({ records }: RawHeader, entry: string, layer: LayerName): SparseFile | null {
  const sparse = records.filter(({ key }) => isSparseKey(key));
  if (sparse.length === 0) return null;
  const all = (key: string): readonly string[] =>
    sparse.filter((record) => record.key === `GNU.sparse.${key}`).map(({ value }) => value.toString('utf8'));
  const [name = null] = all('name');
  const [size] = [...all('realsize'), ...all('size')];
  const bytes = wholeNumber(size, entry, layer);
  if (all('major')[0] === '1') return { size: bytes, extents: null, name };
  const [map] = all('map');
  const numbers = map === undefined ? interleave(all('offset'), all('numbytes')) : map.split(',');
  return { size: bytes, extents: pairUp(numbers, bytes, entry, layer), name };
}

/** Reads the map of an entry of GNU's own type `S`, which has four stretches at most. @throws ImageError `bad-layer` */
export function readGnuSparse({ block }: RawHeader, entry: string, layer: LayerName): SparseFile {
  if (block[482]) throw refuse(layer, entry, 'its sparse map goes on after the header; write it in the PAX format');
  const field = (at: number): string => block.toString('latin1', at, at + 12).replace(/[\0 ]+$/, '');
  const octal = (at: number): number =>
    (block[at] ?? 0) & 0x80 ? Number(block.readBigUInt64BE(at + 4)) : Number.parseInt(field(at), 8);
  const size = octal(483);
  const numbers: string[] = [];
  for (let at = 386; at < 386 + 4 * 24 && field(at) !== ''; at += 24) {
    numbers.push(String(octal(at)), String(octal(at + 12)));
  }
  return { size, extents: pairUp(numbers, size, entry, layer), name: null };
}

/** Holds a map to its file: stretches in order, none over another or the end. @throws ImageError `bad-layer` */
export function pairUp(numbers: readonly string[], size: number, entry: string, layer: LayerName): readonly Extent[] {
  const extents: Extent[] = [];
  let end = 0;
  if (numbers.length > 2 * MOST_EXTENTS)
    throw refuse(layer, entry, `its sparse map has more than ${MOST_EXTENTS} parts`);
  if (numbers.length % 2 === 1) throw refuse(layer, entry, 'its sparse map ends in the middle');
  for (let at = 0; at < numbers.length; at += 2) {
    const [offset, bytes] = [wholeNumber(numbers[at], entry, layer), wholeNumber(numbers[at + 1], entry, layer)];
    if (offset < end || offset + bytes > size) throw refuse(layer, entry, 'its sparse map contradicts itself');
    extents.push({ offset, bytes });
    end = offset + bytes;
  }
  return extents;
}

/** @throws ImageError `bad-layer` */
export function wholeNumber(text: string | undefined, entry: string, layer: LayerName): number {
  const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw refuse(layer, entry, `its sparse map has ${JSON.stringify(text?.slice(0, 40))} instead of a number`);
}

function interleave(offsets: readonly string[], lengths: readonly string[]): readonly string[] {
  return offsets.flatMap((offset, index) => [offset, lengths[index] ?? '']);
}
