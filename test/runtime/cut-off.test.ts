import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '../../native/process/wait-until.ts';
import { type BundleStage, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;

beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

/** Runs a command that comes to a hook which tells that it is there and stays, and kills it there. */
async function killAtHook(hook: string, ...args: readonly string[]): Promise<void> {
  const file = join(stage.directory, 'reached');
  await stage.configure('sleep 1000', (config) => {
    const script = `echo $$ > ${file}.new; mv ${file}.new ${file}; exec busybox tail -f ${file}`;
    config.hooks = { [hook]: [{ path: '/bin/busybox', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] }] };
    // For a hook that runs inside.
    const { directory } = stage;
    config.mounts.push({ destination: directory, type: 'bind', source: directory, options: ['bind'] });
  });
  if (args[0] !== 'create') await expectSuccess(stage.runtime('create', 'c'));
  const ended = stage.runtime(...args);
  expect(await waitUntil(async () => existsSync(file), 10_000)).toBe(true);
  for (const pid of [...(await processesOf('main.ts')), ...(await processesOf(file))]) {
    process.kill(pid, 'SIGKILL');
  }
  await ended;
}

/** Processes of this stage whose command line holds a text. */
async function processesOf(text: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
  );
  return commands
    .filter(({ line }) => line.includes(stage.directory) && line.includes(text))
    .map(({ pid }) => Number(pid));
}

describe('a runtime that is killed', () => {
  test('while it creates leaves a stopped container, which is deleted and made anew', async () => {
    await killAtHook('createRuntime', 'create', 'c');
    await stage.until('stopped');
    await expectSuccess(stage.runtime('delete', 'c'));
    expect((await stage.runtime('list', '-q')).stdout).toBe('');
    expect(existsSync(`/sys/fs/cgroup/pids${stage.cgroupPath}/c`)).toBe(false);
    await stage.configure('true');
    await stage.run();
  });

  test('while it starts leaves a created container, which starts', async () => {
    await killAtHook('startContainer', 'start', 'c');
    expect((await stage.state()).status).toBe('created');
    await expectSuccess(stage.runtime('delete', '--force', 'c'));
  });

  test('while it deletes leaves nothing', async () => {
    await killAtHook('poststop', 'delete', '--force', 'c');
    expect((await stage.runtime('list', '-q')).stdout).toBe('');
    await expectSuccess(stage.runtime('delete', '--force', 'c'));
  });

  test('between two names leaves what the next creation clears away, and nobody lists', async () => {
    const root = join(stage.directory, 'run');
    for (const name of ['~4194303~1~abcdef', `~${process.pid}~1~abcdef`]) {
      await mkdir(join(root, name, 'container'), { recursive: true });
    }
    expect((await stage.runtime('list', '-q')).stdout).toBe('');
    await stage.configure('true');
    await stage.run();
    expect(await readdir(root)).toEqual(['c']);
  });
});
