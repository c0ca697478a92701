/**
 * How a property is checked: with the same inputs every time, unless the environment says otherwise. A failure prints the
 * seed and the path of what it found; HOLDFAST_FUZZ_SEED and HOLDFAST_FUZZ_PATH give that again, HOLDFAST_FUZZ_RUNS looks longer.
 */
export function fuzzing(runs: number): { readonly seed: number; readonly numRuns: number; readonly path?: string } {
  const { HOLDFAST_FUZZ_SEED, HOLDFAST_FUZZ_PATH, HOLDFAST_FUZZ_RUNS } = process.env;
  return {
    seed: Number(HOLDFAST_FUZZ_SEED ?? 20_261_125),
    numRuns: Number(HOLDFAST_FUZZ_RUNS ?? runs),
    ...(HOLDFAST_FUZZ_PATH !== undefined && { path: HOLDFAST_FUZZ_PATH }),
  };
}
