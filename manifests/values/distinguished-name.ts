import type { StringMap } from '../workload.ts';

const ATTRIBUTE = /^([A-Za-z][A-Za-z0-9.-]*|\d+(?:\.\d+)+)=(.+)$/;

/**
 * Reads attributes of a certificate's subject as they are written in a trust policy: `C=DE, O=acme`, with `\,` for a comma
 * in a value.
 * @returns the values by attribute, or a sentence on what is wrong with the text.
 */
export function parseDistinguishedName(text: string): StringMap | string {
  const attributes = new Map<string, string>();
  for (const part of text.split(/(?<!\\),/)) {
    const [, name, value] = ATTRIBUTE.exec(part.trim()) ?? [];
    if (name === undefined || value === undefined)
      return 'must be attributes of a subject such as `C=DE, O=acme`, with `\\,` for a comma in a value';
    if (attributes.has(name)) return `must have \`${name}\` once`;
    attributes.set(name, value.replace(/\\(.)/g, '$1'));
  }
  return Object.fromEntries(attributes);
}
