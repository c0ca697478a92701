const NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** @returns nanoseconds of a duration such as `-1h2.5m` (Go's package time, `ParseDuration`); undefined when it is none. */
export function parseDuration(text: string): bigint | undefined {
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return 0n;
  const parts = [...unsigned.matchAll(PART)];
  if (unsigned === '' || parts.map(([part]) => part).join('') !== unsigned) return undefined;
  const total = parts.reduce((sum, [, amount = '', unit = '']) => sum + scaled(amount, NS[unit] ?? 0n), 0n);
  return text.startsWith('-') ? -total : total;
}

/** Exact, cut off below a nanosecond. */
function scaled(amount: string, unit: bigint): bigint {
  const [before = '', after = ''] = amount.split('.');
  return BigInt(before || '0') * unit + (BigInt(after || '0') * unit) / 10n ** BigInt(after.length);
}
