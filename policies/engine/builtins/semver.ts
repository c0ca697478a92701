import { type Builtins, ofTexts } from './builtin.ts';

/** Versions after Semantic Versioning 2.0.0, which OPA lets begin with zeros (OPA, "Policy Reference", Semver). */
export const SEMVER: Builtins = {
  'semver.is_valid': (text) => typeof text === 'string' && parse(text) !== undefined,
  'semver.compare': ofTexts((a = '', b = '') => {
    const [left, right] = [parse(a), parse(b)];
    return left && right && compare(left, right);
  }),
};

interface Version {
  readonly numbers: readonly bigint[];
  readonly preRelease: readonly string[];
}

const VERSION =
  /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

function parse(text: string): Version | undefined {
  const found = VERSION.exec(text);
  if (!found) return undefined;
  return { numbers: found.slice(1, 4).map(BigInt), preRelease: found[4]?.split('.') ?? [] };
}

function compare(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  // A version is newer than its own pre-releases.
  if (a.preRelease.length === 0 || b.preRelease.length === 0) {
    return Math.sign(Number(a.preRelease.length === 0) - Number(b.preRelease.length === 0));
  }
  return comparePreReleases(a.preRelease, b.preRelease);
}

/** Section 11.4: numbers by size, before texts, which go by ASCII; more parts are newer. */
function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return BigInt(part) < BigInt(other) ? -1 : 1;
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return part < other ? -1 : 1;
  }
  return a.length < b.length ? -1 : 0;
}
