import { escapeGo, PRINTABLE, PRINTABLE_ASCII, quoteGo } from '../../terms/quote-go.ts';
import type { Argument } from './argument.ts';
import { formatFloat } from './format-float.ts';

/** What Go puts between backquotes as it is. */
const RAW = /^[\t -_a-~\u0080-\ufefe\uff00-\u{10ffff}]*$/u;

/** How one argument is written: a directive whose width and precision are known. */
export interface Style {
  readonly flags: ReadonlySet<string>;
  readonly width: number | null;
  readonly precision: number | null;
}

/** @returns the argument as Go's package fmt writes it with this verb; `%!d(string=x)` where the verb is not for it. */
export function formatArgument(argument: Argument, verb: string, style: Style): string {
  if (verb === 'T') return formatText(argument.type, 's', style) as string;
  // To Go, plus and sharp ask for another syntax of %v, and numbers have no other.
  const isOtherSyntax = verb === 'v' && argument.type !== '*big.Int';
  const flags = new Set([...style.flags].filter((flag) => !isOtherSyntax || flag !== '+'));
  return formatKnown(argument, verb, { ...style, flags }) ?? formatWrongVerb(argument, verb, style);
}

function formatKnown(argument: Argument, verb: string, style: Style): string | null {
  switch (argument.type) {
    case 'string':
      return formatText(argument.value, verb, style);
    case 'float64':
      return formatNumber(argument.value, verb, style);
    default:
      return formatInteger(argument, verb, style);
  }
}

/** Such as `%!t(int=5)`. */
function formatWrongVerb(argument: Argument, verb: string, style: Style): string {
  if (argument.type === '*big.Int') return `%!${verb}(big.Int=${argument.value})`;
  const flags = new Set([...style.flags].filter((flag) => flag !== '#'));
  return `%!${verb}(${argument.type}=${formatKnown(argument, 'v', { ...style, flags }) ?? ''})`;
}

function formatText(text: string, verb: string, style: Style): string | null {
  const { precision, flags } = style;
  const cut = precision === null ? text : [...text].slice(0, precision).join('');
  switch (verb) {
    case 'v':
    case 's':
      return pad(verb === 'v' && flags.has('#') ? quoteGo(cut) : cut, style);
    case 'q':
      return pad(flags.has('#') && RAW.test(cut) ? `\`${cut}\`` : quoteGo(cut, printableOf(style)), style);
    case 'x':
    case 'X':
      return pad(inHex(Buffer.from(text), verb, style), style);
    default:
      return null;
  }
}

function inHex(bytes: Buffer, verb: string, { flags, precision }: Style): string {
  const pairs = [...bytes.subarray(0, precision ?? bytes.length)].map((byte) => byte.toString(16).padStart(2, '0'));
  const prefix = flags.has('#') && pairs.length > 0 ? '0x' : '';
  const text = flags.has(' ') ? pairs.map((pair) => prefix + pair).join(' ') : prefix + pairs.join('');
  return verb === 'X' ? text.toUpperCase() : text;
}

function formatNumber(value: number, verb: string, style: Style): string | null {
  if (!/^[vgGeEfF]$/.test(verb)) return null;
  const text = formatFloat(Math.abs(value), verb, style.precision);
  return padNumber(value < 0 ? '-' : signOf(style), text, style);
}

const RADIX: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const PREFIX: Readonly<Record<string, string>> = { b: '0b', o: '0', O: '0o', x: '0x', X: '0X' };

function formatInteger(argument: Argument & { readonly value: bigint }, verb: string, style: Style): string | null {
  const { value, type } = argument;
  const radix = RADIX[verb === 's' && type === '*big.Int' ? 'd' : verb];
  if (radix === undefined) return type === 'int' ? formatCodePoint(value, verb, style) : null;
  const sign = value < 0n ? '-' : signOf(style);
  const digits = (value < 0n ? -value : value).toString(radix).padStart(digitsOf(style, sign), '0');
  const cased = verb === 'X' ? digits.toUpperCase() : digits;
  const prefix = style.flags.has('#') || verb === 'O' ? (PREFIX[verb] ?? '') : '';
  if (style.precision === 0 && value === 0n) return ' '.repeat(style.width ?? 0);
  return pad(sign + prefix + cased, withoutZeros(style));
}

const withoutZeros = (style: Style): Style => ({
  ...style,
  flags: new Set([...style.flags].filter((flag) => flag !== '0')),
});

/** To Go, a width filled with zeros is a precision, unless there is one. */
function digitsOf({ flags, width, precision }: Style, sign: string): number {
  if (precision !== null) return precision;
  return flags.has('0') && !flags.has('-') ? (width ?? 0) - sign.length : 0;
}

function formatCodePoint(value: bigint, verb: string, style: Style): string | null {
  const isCharacter = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  const character = isCharacter ? String.fromCodePoint(Number(value)) : '\ufffd';
  switch (verb) {
    case 'c':
      return pad(character, style);
    case 'q':
      return pad(`'${escapeGo(character, "'", printableOf(style))}'`, style);
    case 'U': {
      const name = `U+${BigInt.asUintN(64, value).toString(16).toUpperCase().padStart(4, '0')}`;
      return pad(style.flags.has('#') && isCharacter ? `${name} '${character}'` : name, withoutZeros(style));
    }
    default:
      return null;
  }
}

const printableOf = ({ flags }: Style): RegExp => (flags.has('+') ? PRINTABLE_ASCII : PRINTABLE);

const signOf = ({ flags }: Style): string => (flags.has('+') ? '+' : flags.has(' ') ? ' ' : '');

function padNumber(sign: string, digits: string, style: Style): string {
  const { flags, width } = style;
  if (!flags.has('0') || flags.has('-') || width === null) return pad(sign + digits, style);
  return sign + digits.padStart(width - sign.length, '0');
}

/** To the width in characters, on the left unless the minus flag says otherwise. */
function pad(text: string, { flags, width }: Style): string {
  const missing = Math.max(0, (width ?? 0) - [...text].length);
  if (flags.has('-')) return text + ' '.repeat(missing);
  return (flags.has('0') ? '0' : ' ').repeat(missing) + text;
}
