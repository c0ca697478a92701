import type * as z from 'zod';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';

/**
 * Says what is wrong with one value and what to do, for issues whose schema does not say it itself.
 * Values are not repeated, except words where one of a few is expected: a wrong value may still be a secret.
 */
export function issueMessage(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'is required';
  if (issue.input === null) return 'is empty; write a value, or remove the field';
  switch (issue.code) {
    case 'invalid_type':
      return typeMessage(String(issue.expected), issue.input);
    case 'invalid_value':
      return valueMessage(issue.values as readonly unknown[], issue.input);
    case 'too_small':
      return boundMessage('at least', String(issue.origin), Number(issue.minimum));
    case 'too_big':
      return boundMessage('at most', String(issue.origin), Number(issue.maximum));
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return `does not have the form of ${FORMS[String(issue.format)] ?? `\`${issue.format}\``}`;
    case 'invalid_key':
      return 'is not a valid key here; rename it';
    default:
      return 'has none of the accepted forms';
  }
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text (a string)',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

const FORMS: Readonly<Record<string, string>> = {
  regex: 'what belongs here',
  url: 'a URL',
  email: 'an e-mail address',
};

/** What YAML 1.1 read as booleans and YAML 1.2 reads as text. */
const OLD_BOOLEANS: Readonly<Record<string, boolean>> = {
  yes: true,
  on: true,
  y: true,
  no: false,
  off: false,
  n: false,
};

function typeMessage(expected: string, input: unknown): string {
  const wanted = WORDS[expected] ?? expected;
  if (expected === 'boolean' && typeof input === 'string') {
    const meant = OLD_BOOLEANS[input.toLowerCase()];
    if (meant !== undefined) return `must be \`true\` or \`false\`, not \`${input}\`; write \`${meant}\``;
    if (input === 'true' || input === 'false') return 'must be `true` or `false`, not text; remove the quotes';
  }
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean')) {
    return `must be ${wanted}, not ${nameOf(input)}; put it in quotes`;
  }
  if (expected === 'number' && typeof input === 'string' && /^-?\d+$/.test(input)) {
    return `must be ${wanted}, not text; remove the quotes`;
  }
  return expected === 'int' ? `must be ${wanted}` : `must be ${wanted}, not ${nameOf(input)}`;
}

function nameOf(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'number') return 'a number';
  if (typeof input === 'boolean') return '`true` or `false`';
  return typeof input === 'string' ? 'text' : 'a map';
}

function valueMessage(values: readonly unknown[], input: unknown): string {
  const allowed = values.map((value) => quoted(String(value)));
  const list = allowed.length === 1 ? `must be ${allowed[0]}` : `must be one of ${allowed.join(', ')}`;
  if (typeof input !== 'string') return `${list}, not ${nameOf(input)}`;
  const meant = nearest(input, values.map(String));
  return `${list}, not ${quoted(input)}${meant === null ? '' : `; did you mean ${quoted(meant)}?`}`;
}

function boundMessage(bound: 'at least' | 'at most', origin: string, limit: number): string {
  if (origin === 'string') return `must have ${bound} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `must have ${bound} ${limit} entr${limit === 1 ? 'y' : 'ies'}`;
  return `must be ${bound} ${limit}`;
}
