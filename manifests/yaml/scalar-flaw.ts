import type { Scalar } from 'yaml';

const LEADING_ZERO = /^[-+]?0[0-9]/;

/** @returns why a scalar cannot be taken as plain JSON with one meaning only, and what to do; null when it can. */
export function flawOf(scalar: Scalar): string | null {
  if (typeof scalar.value === 'string') return textFlaw(scalar.value);
  if (typeof scalar.value === 'number') return numberFlaw(scalar.value, scalar.source ?? '');
  return null;
}

function textFlaw(text: string): string | null {
  if (text.includes('\u0000')) return 'contains a NUL character, which no program can be given; remove it';
  if (!text.isWellFormed()) return 'contains half of a surrogate pair, which is not Unicode text; remove it';
  return null;
}

function numberFlaw(value: number, source: string): string | null {
  if (!Number.isFinite(value)) return 'is not a finite number; write one';
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'is too large to be an exact number; put it in quotes';
  }
  // Octal to YAML 1.1 (and Kubernetes), decimal to YAML 1.2: nobody can tell what was meant.
  if (LEADING_ZERO.test(source)) return 'is a number with a leading zero; drop the zero, or put it in quotes';
  return null;
}
