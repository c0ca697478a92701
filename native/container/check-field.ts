import { BackendError } from '../errors.ts';

/** @returns whether a value is a whole number within the bounds, both included. */
export function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

/** @throws BackendError `invalid-spec` naming the field, unless it is right. */
export function expectField(isRight: boolean, field: string, value: unknown, expected: string): void {
  if (isRight) return;
  throw new BackendError('invalid-spec', 'check spec', `${field}: ${JSON.stringify(value)}: expected ${expected}`);
}
