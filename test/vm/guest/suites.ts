import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tellHost } from './host-line.ts';

const ROOT = join(import.meta.dirname, '../../..');
const REPORTER = fileURLToPath(new URL('./host-line-reporter.ts', import.meta.url));

/** The tests whose outcome depends on the kernel: its cgroups, file systems, namespaces and system calls. */
const SUITES = ['test/contract/kernel-', 'test/native/(cgroup-driver|container-|seccomp-container)'];

/** Runs the suites of the project that the kernel decides. The reporter tells the host of each test. */
export async function runSuites(): Promise<void> {
  const jest = ['node_modules/.bin/jest', '-c', 'test/jest/config.json', '--runInBand', '--testTimeout=180000'];
  const reporters = [`--reporters=${REPORTER}`];
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...node, ...jest, ...SUITES, ...reporters], { cwd: ROOT, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  const detail = code === 0 ? '' : `jest ended with status ${code}; the console tells why`;
  tellHost({ type: 'check', suite: 'suites', name: 'run to the end', isPassed: code === 0, durationMs: 0, detail });
}
