import { canonicalJson, type Origin } from '../../manifests/index.ts';
import { sha256 } from '../bundle/digest.ts';
import { readBundle } from '../bundle/read-bundle.ts';
import { type PackSettings, withSettings } from '../bundle/with-settings.ts';
import { PolicyError } from '../errors.ts';
import type { PolicyInput } from '../input.ts';
import type { Verdict } from '../verdict.ts';
import { createEvaluationCache } from './evaluation-cache.ts';
import { startEvaluator } from './evaluator.ts';
import { judge } from './judge.ts';

export interface PolicyEngineOptions {
  /** Directory of an OPA bundle, such as `DEFAULT_BUNDLE_DIR`. */
  readonly bundleDir: string;
  /** What packs are told beside their rules, by pack; Rego sees it as `data.settings`, in place of the bundle's own. */
  readonly settings?: PackSettings;
  /** Time for one evaluation; what takes longer is denied. 1000 unless given. */
  readonly timeoutMs?: number;
  /** Time without an evaluation after which the engine's thread and its memory are given back. 30000 unless given. */
  readonly idleMs?: number;
}

/** The policies of one bundle, ready to judge. */
export interface PolicyEngine {
  /** Revision of the bundle and of the settings, `sha256:…`. */
  readonly revision: string;
  /**
   * Judges one workload. An input seen before is not evaluated again. Whatever goes wrong is a deny with a finding of
   * policy `engine`.
   * @param origin where the workload was written, for the place of each finding.
   * @throws PolicyError `engine-closed`, and nothing else
   */
  evaluate(input: PolicyInput, origin: Origin): Promise<Verdict>;
  /** Ends the thread; an evaluation under way is a deny. */
  close(): Promise<void>;
}

const MAX_REMEMBERED = 1_000;

/**
 * Loads and proves a bundle: every file as its manifest says, the module loadable, no builtin missing.
 * @throws PolicyError `bundle-missing`, `bundle-invalid`, `bundle-tampered` or `wasm-unusable`
 */
export async function openPolicyEngine(options: PolicyEngineOptions): Promise<PolicyEngine> {
  const { bundleDir, settings = {}, timeoutMs = 1_000, idleMs = 30_000 } = options;
  const bundle = withSettings(await readBundle(bundleDir), settings);
  const evaluator = await startEvaluator(bundle, { timeoutMs, idleMs });
  const cache = createEvaluationCache({ maxEntries: MAX_REMEMBERED });
  let isClosed = false;
  return {
    revision: bundle.revision,
    evaluate: async (input, origin) => {
      if (isClosed) throw new PolicyError('engine-closed', 'the policy engine is closed');
      const inputText = toJson(input);
      if (inputText === null) {
        return judge({ kind: 'failed', rule: 'engine-error', reason: 'the input cannot be written as JSON' }, origin);
      }
      const key = sha256(`${bundle.revision}\n${inputText}`);
      const { outcome } = await cache.get(key, () => evaluator.evaluate(inputText));
      return judge(outcome, origin);
    },
    close: async () => {
      isClosed = true;
      await evaluator.close();
    },
  };
}

function toJson(input: unknown): string | null {
  try {
    return canonicalJson(input);
  } catch {
    return null;
  }
}
