import { toJson } from '../terms/json.ts';
import { fieldOf, isObjectTerm, objectOf, type Term } from '../terms/term.ts';
import { areTexts, type Builtins, ofTexts } from './builtin.ts';
import { YAML } from './yaml.ts';

/** Encodings (OPA, "Policy Reference", Encoding). */
export const ENCODING: Builtins = {
  ...YAML,
  'json.marshal_with_options': (value, options) => marshal(value, options),
  'base64url.encode_no_pad': ofTexts((text = '') => Buffer.from(text).toString('base64url')),
  'hex.encode': ofTexts((text = '') => Buffer.from(text).toString('hex')),
  'hex.decode': ofTexts((text = '') =>
    /^([0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex').toString() : undefined,
  ),
  'urlquery.encode': ofTexts((text = '') => encodeQuery(text)),
  'urlquery.decode': ofTexts((text = '') => decodeQuery(text)),
  'urlquery.encode_object': (object) => encodeQueryObject(object),
  'urlquery.decode_object': ofTexts((text = '') => decodeQueryObject(text)),
};

function marshal(value: Term | undefined, options: Term | undefined): string | undefined {
  if (value === undefined || !isObjectTerm(options)) return undefined;
  const [indent = '\t', prefix = '', pretty] = ['indent', 'prefix', 'pretty'].map((name) => fieldOf(options, name));
  if (typeof indent !== 'string' || typeof prefix !== 'string') return undefined;
  const isPretty = typeof pretty === 'boolean' ? pretty : options.entries.some(([key]) => key !== 'pretty');
  return isPretty ? toJson(value, { indent, prefix }) : toJson(value);
}

/** Go's `QueryEscape`: as encodeURIComponent, but for a few more characters and the space, which is a plus. */
const encodeQuery = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

function decodeQuery(text: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes = text.replaceAll('+', ' ').match(/%[0-9a-fA-F]{2}|[^%]+/g) ?? [];
  return Buffer.concat(
    bytes.map((part) => (part.startsWith('%') ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))),
  ).toString();
}

function encodeQueryObject(object: Term | undefined): string | undefined {
  if (!isObjectTerm(object)) return undefined;
  const pairs: string[] = [];
  for (const [key, value] of object.entries) {
    const values = typeof value === 'string' ? [value] : listOf(value);
    if (typeof key !== 'string' || !values || !areTexts(values)) return undefined;
    pairs.push(...values.map((one) => `${encodeQuery(key)}=${encodeQuery(one)}`));
  }
  return pairs.join('&');
}

function listOf(value: Term): readonly Term[] | undefined {
  if (Array.isArray(value)) return value;
  return value !== null && typeof value === 'object' && 'items' in value ? value.items : undefined;
}

function decodeQueryObject(text: string): Term | undefined {
  const values = new Map<string, string[]>();
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const [name = '', ...rest] = pair.split('=');
    const [key, value] = [decodeQuery(name), decodeQuery(rest.join('='))];
    if (key === undefined || value === undefined || pair.includes(';')) return undefined;
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return objectOf(values);
}
