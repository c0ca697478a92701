/** The most that JavaScript writes behind a point. */
const MAX_DIGITS = 100;

/** Digits after the point, or null for as many as tell the number from its neighbours. */
type Precision = number | null;

/** @returns the number in one of Go's forms (package strconv, `FormatFloat`), without a sign of plus. */
export function formatFloat(value: number, verb: string, precision: Precision): string {
  switch (verb) {
    case 'e':
    case 'E':
      return inCaseOf(verb, toExponent(value, precision ?? 6));
    case 'f':
    case 'F':
      return toFixed(value, precision ?? 6);
    default:
      return inCaseOf(verb, toShorter(value, precision));
  }
}

/** Go's %g: an exponent where it is below -4 or reaches the precision, which is 21 for %v of the shortest form. */
function toShorter(value: number, precision: Precision): string {
  const digits = precision === null ? null : Math.max(precision, 1);
  const exponential = digits === null ? value.toExponential() : toExponential(value, digits - 1);
  const exponent = Number(exponential.slice(exponential.indexOf('e') + 1));
  const significant = exponential.slice(0, exponential.indexOf('e')).replace(/[-.]/g, '').replace(/0+$/, '').length;
  const limit = digits === null ? 21 : digits > significant && significant >= exponent + 1 ? significant : digits;
  if (exponent < -4 || exponent >= limit) return trimmed(exponential).replace(/e([+-])(\d)$/, 'e$10$2');
  return digits === null ? plain(value) : trimmed(toFixed(value, Math.max(digits - 1 - exponent, 0)));
}

/** No exponent, whatever JavaScript would choose. */
function plain(value: number): string {
  const text = String(value);
  return text.includes('e') ? trimmed(value.toFixed(20)) : text;
}

function toExponent(value: number, precision: number): string {
  return toExponential(value, precision).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** JavaScript rounds a number in the middle up, Go to the even digit. */
function toFixed(value: number, precision: number): string {
  if (value >= 1e21) return `${BigInt(value)}${precision > 0 ? `.${'0'.repeat(precision)}` : ''}`;
  return even(value, (digits) => value.toFixed(digits), Math.min(precision, MAX_DIGITS));
}

function toExponential(value: number, precision: number): string {
  return even(value, (digits) => value.toExponential(digits), Math.min(precision, MAX_DIGITS));
}

/** @param write the number with so many digits after the point; with the most of them it is exact. */
function even(value: number, write: (digits: number) => string, precision: number): string {
  const [mantissa = '', exponent] = write(MAX_DIGITS).split('e');
  const end = mantissa.indexOf('.') + 1 + precision;
  const kept = mantissa.slice(0, end).replace(/\.$/, '');
  const isInTheMiddle = /^50*$/.test(mantissa.slice(end)) && Number.isFinite(value);
  if (!isInTheMiddle || !/[02468]$/.test(kept)) return write(precision);
  return exponent === undefined ? kept : `${kept}e${exponent}`;
}

/** Without zeros that say nothing, before an exponent too. */
function trimmed(text: string): string {
  const [mantissa = '', exponent] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return exponent === undefined ? short : `${short}e${exponent}`;
}

const inCaseOf = (verb: string, text: string): string => (verb === verb.toUpperCase() ? text.toUpperCase() : text);
