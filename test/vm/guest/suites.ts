import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { collectTraces, newTraces } from '../../setup/leaks/traces.ts';
import type { SuitePhase } from '../boots.ts';
import { runSuite } from './check.ts';
import { tellHost } from './host-line.ts';

const ROOT = join(import.meta.dirname, '../../..');
const REPORTER = fileURLToPath(new URL('./host-line-reporter.ts', import.meta.url));

/** How many times slower an emulated machine may be than the one that the tests' patience is meant for. */
const SLOWNESS = '8';
/** What ends by itself, such as a killed process, is given this long. */
const GRACE_MS = 300_000;

/** Test files by their path. */
const SUITES: Readonly<Record<SuitePhase, string>> = {
  contract: 'test/contract/kernel-',
  native: 'test/(native/|execute/on-kernel)',
  kernel: 'test/vm/kernel',
  escape: 'test/escape',
  runtime: 'test/runtime',
};

/**
 * Tests of hierarchies that this machine has none of, and those whose outcome is the same on any kernel: programs under
 * sanitizers, faults injected without a kernel's help, and podman, which the disk does not hold.
 */
const LEFT_OUT =
  'test/native/(cgroup-v1|cgroup-freezer|sanitized|file-faults|shim-faults|bundle-faults|spawn-faults)|test/runtime/podman';

/** Runs the suites of the project that the kernel decides, then looks for what they left. The reporter tells the host of each test. */
export async function runSuites(phase: SuitePhase): Promise<void> {
  const before = collectTraces();
  const run = `vm-${phase}`;
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = ['node_modules/.bin/jest', '-c', 'test/jest/config.json', '--runInBand', '--testTimeout=600000'];
  const choice = [SUITES[phase], `--testPathIgnorePatterns=${LEFT_OUT}`, `--reporters=${REPORTER}`];
  const env = { ...process.env, HOLDFAST_TEST_RUN: run, HOLDFAST_SLOWNESS: SLOWNESS };
  const child = spawn(process.execPath, [...node, ...jest, ...choice], { cwd: ROOT, env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  await runSuite(phase, async ({ check }) => {
    await check('leaves nothing behind', async () => {
      const left = () => newTraces(before, collectTraces(run));
      const deadline = Date.now() + GRACE_MS;
      while (left().length > 0 && Date.now() < deadline) await sleep(1_000);
      if (left().length > 0) throw new Error(left().join('\n'));
    });
  });
  const detail = code === 0 ? '' : `jest ended with status ${code}; the console tells why`;
  tellHost({ type: 'check', suite: phase, name: 'runs to the end', isPassed: code === 0, durationMs: 0, detail });
}
