import { createHash } from 'node:crypto';

/**
 * Writes plain JSON in its one canonical form (RFC 8785): no white space, keys sorted by UTF-16 code units, numbers and
 * strings as ECMAScript writes them. Equal values give equal text, whatever the order of their keys.
 * @throws TypeError for what JSON cannot hold: undefined, NaN, infinities, bigints, functions, unpaired surrogates.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'string') return writeText(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') return writeObject(value);
  throw new TypeError(`canonical JSON cannot hold a value of type ${typeof value}`);
}

/** @returns the SHA-256 of the value's canonical JSON in UTF-8, as `sha256:` and 64 hex digits. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex')}`;
}

function writeObject(value: object): string {
  const fields = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${writeText(key)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot hold the number ${value}`);
  return JSON.stringify(value);
}

function writeText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('canonical JSON cannot hold an unpaired surrogate');
  return JSON.stringify(text);
}
