import fc from 'fast-check';

/** Checks a property on the same inputs in every run; a failure prints the smallest one. */
export function holds<Inputs>(property: fc.IPropertyWithHooks<Inputs>, numRuns = 100): void {
  fc.assert(property, { seed: 20_240_229, numRuns });
}
