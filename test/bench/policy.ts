import { DEFAULT_BUNDLE_DIR, openPolicyEngine } from '../../policies/index.ts';
import { ORIGIN, soundInput } from '../policies/sound-input.ts';
import { type BenchGroup, type Measurement, measurement, timed } from './report.ts';

const ROUNDS = 500;

/** One workload through all policies, in the engine's thread; then the same again, remembered. */
export const policies: BenchGroup = {
  name: 'policy',
  title: 'Policies',
  run: async () => ({ measurements: await measure(), missing: [] }),
};

async function measure(): Promise<readonly Measurement[]> {
  const engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR });
  try {
    const fresh: number[] = [];
    const remembered: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const input = soundInput();
      const varied = { ...input, workload: { ...input.workload, name: `web-${round}` } };
      fresh.push((await timed(() => engine.evaluate(varied, ORIGIN))) * 1_000);
      remembered.push((await timed(() => engine.evaluate(varied, ORIGIN))) * 1_000);
    }
    const first = measurement('policy evaluation of one workload', 'us', fresh);
    return [
      first,
      measurement('the same input again', 'us', remembered, [{ name: 'the first time', measured: first }]),
    ];
  } finally {
    await engine.close();
  }
}
