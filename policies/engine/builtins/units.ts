import { type Term, whole } from '../terms/term.ts';
import { type Builtins, ofTexts } from './builtin.ts';

/** Amounts with units (OPA, "Policy Reference", Units). */
export const UNITS: Builtins = {
  'units.parse': ofTexts((text = '') => parseUnits(text)),
  'units.parse_bytes': ofTexts((text = '') => parseBytes(text)),
};

const DECIMAL = ['', 'k', 'm', 'g', 't', 'p', 'e'];
const AMOUNT = /^(?<digits>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?<unit>[A-Za-z]*)$/;

/** An exact number: digits times ten to the power of an exponent. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** In the case of its unit, `m` is a thousandth and `M` a million; the others are of either case. */
function parseUnits(text: string): Term | undefined {
  const { amount, unit } = split(text) ?? {};
  if (!amount || unit === undefined) return undefined;
  if (unit === 'm') return toTerm({ ...amount, exponent: amount.exponent - 3 });
  const factor = factorOf(unit.toLowerCase());
  return factor === undefined ? undefined : toTerm({ ...amount, digits: amount.digits * factor });
}

/** Units end in `B` or not, are of either case, and what is less than a byte is cut off. */
function parseBytes(text: string): Term | undefined {
  const { amount, unit } = split(text) ?? {};
  const factor = unit === undefined ? undefined : factorOf(unit.toLowerCase().replace(/b$/, ''));
  if (!amount || factor === undefined || unit?.toLowerCase() === 'b') return undefined;
  const { digits, exponent } = { ...amount, digits: amount.digits * factor };
  return whole(exponent >= 0 ? digits * 10n ** BigInt(exponent) : digits / 10n ** BigInt(-exponent));
}

/** @param unit in lower case, without the `b` of bytes */
function factorOf(unit: string): bigint | undefined {
  const isBinary = unit.endsWith('i');
  const power = DECIMAL.indexOf(isBinary ? unit.slice(0, -1) : unit);
  if (power < 0 || (isBinary && power === 0)) return undefined;
  return isBinary ? 2n ** BigInt(10 * power) : 10n ** BigInt(3 * power);
}

/** OPA takes double quotes away, wherever they are. */
function split(text: string): { readonly amount: Decimal; readonly unit: string } | undefined {
  const groups = AMOUNT.exec(text.replaceAll('"', ''))?.groups;
  if (!groups) return undefined;
  const [mantissa = '', power = '0'] = (groups.digits ?? '').toLowerCase().split('e');
  const [before = '', after = ''] = mantissa.split('.');
  const exponent = Number(power) - after.length;
  if (Math.abs(exponent) > 1_000) return undefined;
  return { amount: { digits: toBigInt(before + after), exponent }, unit: groups.unit ?? '' };
}

const toBigInt = (text: string): bigint =>
  text.startsWith('-') ? -BigInt(text.slice(1) || '0') : BigInt(text.replace('+', '') || '0');

function toTerm({ digits, exponent }: Decimal): Term {
  if (exponent >= 0) return whole(digits * 10n ** BigInt(exponent));
  const scale = 10n ** BigInt(-exponent);
  return digits % scale === 0n ? whole(digits / scale) : Number(`${digits}e${exponent}`);
}
