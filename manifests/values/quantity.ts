import { quoted } from '../text/quoted.ts';

/**
 * Reads a Kubernetes CPU quantity: `2`, `0.5`, `500m`, `1e-1`.
 * @returns thousandths of a CPU, or a sentence saying what is wrong. A part of a thousandth is refused, as Kubernetes does.
 */
export function parseCpuMillis(text: string): number | string {
  const quantity = parseQuantity(text);
  if (quantity === null) return `${quoted(text)} is not a CPU quantity; write one such as \`500m\` or \`0.5\``;
  const millis = divide(quantity.numerator * 1000n, quantity.denominator);
  if (!millis.isWhole) return `${quoted(text)} is finer than a thousandth of a CPU; round it to \`1m\``;
  return inRange(text, millis.quotient);
}

/**
 * Reads a Kubernetes quantity of bytes: `134217728`, `128Mi`, `1G`, `1e3`, `1.5Gi`.
 * @returns bytes, a part of one rounded up, or a sentence saying what is wrong. The suffixes `m`, `u` and `n` are refused:
 * thousandths of a byte are always a slip.
 */
export function parseBytes(text: string): number | string {
  const quantity = parseQuantity(text);
  if (quantity === null) return `${quoted(text)} is not a quantity of bytes; write one such as \`128Mi\` or \`1G\``;
  if (/[mun]$/.test(text)) {
    return `${quoted(text)} is in fractions of a byte; did you mean ${quoted(`${text.slice(0, -1)}Mi`)}?`;
  }
  const bytes = divide(quantity.numerator, quantity.denominator);
  return inRange(text, bytes.isWhole ? bytes.quotient : bytes.quotient + 1n);
}

/**
 * Reads a Kubernetes quantity of things that cannot be divided: `1024`, `4k`.
 * @returns the count, or a sentence saying what is wrong.
 */
export function parseCount(text: string): number | string {
  const quantity = parseQuantity(text);
  if (quantity === null) return `${quoted(text)} is not a count; write a whole number such as \`1024\``;
  const count = divide(quantity.numerator, quantity.denominator);
  return count.isWhole ? inRange(text, count.quotient) : `${quoted(text)} is not a whole number; write one`;
}

/** An exact, not negative number. */
interface Quantity {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Kubernetes' quantity grammar, without a sign: nothing here can be negative. */
const QUANTITY =
  /^\+?(?<whole>\d*)(?:\.(?<part>\d*))?(?:(?<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?<exponent>[-+]?\d{1,2}))?$/;

/** Longer numbers are no quantities, and would make the exact arithmetic slow. */
const LONGEST = 48;

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

function parseQuantity(text: string): Quantity | null {
  const groups = text.length <= LONGEST ? QUANTITY.exec(text)?.groups : undefined;
  if (!groups) return null;
  const { whole = '', part = '', suffix = '', exponent = '0' } = groups;
  if (whole === '' && part === '') return null;
  const power = Number(exponent) + (DECIMAL[suffix] ?? 0) - part.length;
  const digits = BigInt(whole + part) << BigInt(BINARY[suffix] ?? 0);
  return power >= 0
    ? { numerator: digits * 10n ** BigInt(power), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-power) };
}

function divide(numerator: bigint, denominator: bigint): { readonly quotient: bigint; readonly isWhole: boolean } {
  return { quotient: numerator / denominator, isWhole: numerator % denominator === 0n };
}

function inRange(text: string, value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : `${quoted(text)} is too large; write a smaller one`;
}
