import type { Evaluation } from './evaluator.ts';

/** Remembers evaluations by key, so that the same input is evaluated once. The least recently asked are dropped first. */
export interface EvaluationCache {
  /** @returns the remembered evaluation, the one under way, or that of `evaluate`, kept if it is repeatable. */
  get(key: string, evaluate: () => Promise<Evaluation>): Promise<Evaluation>;
}

/** @param options.maxEntries bound of its size. */
export function createEvaluationCache(options: { readonly maxEntries: number }): EvaluationCache {
  const entries = new Map<string, Promise<Evaluation>>();
  return {
    get: async (key, evaluate) => {
      const known = entries.get(key);
      const evaluation = known ?? evaluate();
      entries.delete(key);
      entries.set(key, evaluation);
      for (const oldest of entries.keys()) {
        if (entries.size <= options.maxEntries) break;
        entries.delete(oldest);
      }
      const { isRepeatable } = await evaluation;
      if (!isRepeatable && entries.get(key) === evaluation) entries.delete(key);
      return evaluation;
    },
  };
}
