import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCgroupDriver } from '../../native/cgroup/driver.ts';
import { freePort, type Program, startProgram } from '../world/program.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const MAIN = new URL('../../agent/main.ts', import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let directory: TempDir;
let configFile: string;
let cgroupRoot: string;
let agent: Program | undefined;

beforeEach(async () => {
  directory = await makeTempDir();
  configFile = join(directory.path, 'agent.yaml');
  cgroupRoot = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  await writeFile(join(directory.path, 'allowed_signers'), '');
  await configure({});
});
afterEach(async () => {
  await agent?.kill();
  agent = undefined;
  await (await createCgroupDriver({ root: cgroupRoot })).remove('');
  await directory.remove();
});

async function configure(changes: Record<string, unknown>): Promise<void> {
  const at = (name: string): string => join(directory.path, name);
  const config = {
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'AgentConfig',
    source: { url: `file://${at('no-repository')}`, signers: { ssh: at('allowed_signers') } },
    telemetry: { endpoint: `http://127.0.0.1:${await freePort()}`, metricIntervalMs: 100 },
    paths: { state: at('state'), run: at('run'), logs: at('logs') },
    cgroupRoot,
    ...changes,
  };
  await writeFile(configFile, JSON.stringify(config));
}

const start = async (): Promise<Program> =>
  startProgram({
    command: process.execPath,
    args: [MAIN, '--config', configFile, 'agent'],
    ready: /agent of node \S+ runs/,
  });
const shell = (script: string): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { ...process.env, NODE: process.execPath, MAIN, CONFIG: configFile };
    execFile('bash', ['-c', script], { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
const HOLDFAST = '"$NODE" "$MAIN" --config "$CONFIG"';

describe('the agent as a process', () => {
  test('ends at SIGTERM, though its telemetry receiver does not answer and its source cannot be reached', async () => {
    agent = await start();
    const { stdout } = await shell(
      `for i in $(seq 20); do ${HOLDFAST} status | grep 'SourceReachable  False' && break; sleep 0.2; done`,
    );
    expect(stdout).toContain('not-found');
    await agent.stop();
    expect(agent.exitStatus()).toBe(0);
    expect(agent.output()).toContain('SIGTERM: ending; containers run on');
  });

  test.each([
    ['a key that is not there', { images: { keys: [{ name: 'a', file: '/nowhere/key.pub' }] } }, /nowhere/],
    ['a policy bundle that is not there', { policy: { bundle: '/nowhere/bundle' } }, /nowhere/],
  ])('ends with status 1 when it cannot start for %s', async (_name, changes, message) => {
    await configure(changes);
    const { code, stderr } = await shell(`${HOLDFAST} agent`);
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(stderr).toMatch(message);
  });

  test('touches nothing of one that runs already', async () => {
    agent = await start();
    const unfinished = join(directory.path, 'state', 'containers', 'default_web_0_abc', 'app');
    await mkdir(unfinished, { recursive: true });
    const { code, stderr } = await shell(`${HOLDFAST} agent`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^holdfast: another agent is running: it answers on .*agent\.sock; stop it first\n$/);
    await access(unfinished);
  });
});

describe('a verb as a process', () => {
  beforeEach(async () => {
    const logs = join(directory.path, 'logs', 'default_web_0_abc');
    await mkdir(logs, { recursive: true });
    const line = `2026-01-01T00:00:00.1Z stdout F ${'x'.repeat(100)}\n`;
    await writeFile(join(logs, 'app.log'), line.repeat(50_000));
  });

  test('writes all it has to say before it ends', async () => {
    const { code, stdout } = await shell(`set -o pipefail; ${HOLDFAST} logs web -n 50000 | wc -c`);
    expect([code, stdout.trim()]).toEqual([0, String(50_000 * 101)]);
  });

  test('ends quietly when its reader has read enough', async () => {
    const { stdout, stderr } = await shell(`${HOLDFAST} logs web -n 50000 | head -c 10`);
    expect([stdout, stderr]).toEqual(['x'.repeat(10), '']);
  });

  test.each(['TERM', 'INT'])('that follows a log ends at SIG%s with status 0', async (signal) => {
    const { code } = await shell(
      `${HOLDFAST} logs web -f -n 1 > /dev/null & pid=$!; sleep 2; kill -${signal} $pid; wait $pid`,
    );
    expect(code).toBe(0);
  });
});
