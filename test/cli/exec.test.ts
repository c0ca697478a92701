import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { writePodLabels } from '../../agent/observe/labels.ts';
import { type ContainerStage, openContainerStage, untilSome } from '../native/container-stage.ts';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const LABELS = { key: 'shop/web', replica: 0, identity: 'sha256:1', revision: 'abc', graceMs: 0 };

let stage: ContainerStage;
let config: string;

beforeEach(async () => {
  stage = await openContainerStage();
  config = join(stage.directory, 'agent.json');
  const { stateDir, runDir, cgroupRoot } = stage;
  const source = { url: 'https://git.test/fleet.git', signers: { ssh: '/nowhere' } };
  const paths = { state: stateDir, run: runDir, logs: join(stage.directory, 'logs') };
  await writeFile(
    config,
    JSON.stringify({ apiVersion: 'holdfast.dev/v1alpha1', kind: 'AgentConfig', source, paths, cgroupRoot }),
  );
  await stage.sandbox({ labels: writePodLabels(LABELS) });
  await stage.backend.startContainer(stage.spec('sleep 1000'));
});

afterEach(() => stage.close());

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function commandLine(...args: readonly string[]): readonly string[] {
  return [MAIN, '--config', config, 'exec', ...args];
}

async function holdfast(args: readonly string[], input = ''): Promise<Outcome> {
  const child = spawn(process.execPath, commandLine(...args));
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null) await once(child, 'exit');
  return { status: child.exitCode, stdout, stderr };
}

describe('holdfast exec', () => {
  test('runs a command of the target’s container and ends as it does', async () => {
    const script = 'echo out; echo err >&2; hostname; id; pwd; exit 42';
    expect(await holdfast(['shop/web', '--', 'sh', '-c', script])).toEqual({
      status: 42,
      stdout: 'out\npod-0\nuid=0 gid=0\n/\n',
      stderr: 'err\n',
    });
    const as = await holdfast(['--user', '7:8', '--workdir', '/etc', 'pod', '--', 'sh', '-c', 'id; pwd']);
    expect(as).toEqual({ status: 0, stdout: 'uid=7 gid=8\n/etc\n', stderr: '' });
  });

  test('passes standard input on only when asked to', async () => {
    expect((await holdfast(['-i', 'pod', '--', 'cat'], 'given')).stdout).toBe('given');
    expect((await holdfast(['pod', '--', 'cat'], 'given')).stdout).toBe('');
  });

  test('tells apart what is not there, what cannot be executed, what was killed, and what could not be run', async () => {
    expect((await holdfast(['pod', '--', 'nothing'])).status).toBe(127);
    expect((await holdfast(['pod', '--', '/etc/from-layer'])).status).toBe(126);
    expect((await holdfast(['pod', '--', 'sh', '-c', 'kill -KILL $$'])).status).toBe(137);
    const unknown = await holdfast(['other', '--', 'true']);
    expect([unknown.status, unknown.stderr]).toEqual([
      125,
      'holdfast: other has no running container; see holdfast ps\n',
    ]);
    expect((await holdfast(['-t', 'pod', '--', 'true'])).status).toBe(125);
    expect((await holdfast(['--user', 'root', 'pod', '--', 'true'])).status).toBe(2);
  });

  test('asks which container is meant when there are several', async () => {
    await stage.backend.startContainer(stage.spec('sleep 1000', { name: 'side' }));
    const which = await holdfast(['shop/web', '--', 'true']);
    expect([which.status, which.stderr]).toEqual([125, expect.stringContaining('app, side')]);
    expect((await holdfast(['shop/web', '--container', 'side', '--', 'hostname'])).stdout).toBe('pod-0\n');
  });

  test('gives the command a terminal of the size of its own', async () => {
    const args = commandLine('-it', 'pod', '--', 'sh', '-c', 'stty size; test -t 0 && echo terminal; exit 9');
    const line = ['stty rows 41 cols 99; exec', process.execPath, ...args.map((each) => `'${each}'`)].join(' ');
    const { status, stdout } = spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8', input: '' });
    // Some time on the way script(1) says on the terminal that its own input has ended.
    expect([status, stdout.replaceAll(/\r|\^@/g, '')]).toEqual([9, expect.stringContaining('41 99\nterminal\n')]);
  });

  test('takes the command with it when it is killed', async () => {
    const child = execFile(process.execPath, [...commandLine('pod', '--', 'sh', '-c', 'echo ready; sleep 1000')]);
    await untilSome(async () => (await stage.cgroups.pids('pod/app')).length > 1);
    child.kill('SIGKILL');
    await untilSome(async () => (await stage.cgroups.pids('pod/app')).length === 1);
  });
});

describe('holdfast logs', () => {
  test('--previous tells what was written before the last start', async () => {
    const again = (script: string): Promise<void> =>
      stage.backend.startContainer(stage.spec(script, { name: 'again' }));
    await again('echo first');
    await stage.exited('again');
    await again('echo second');
    await stage.exited('again');
    const logs = (...options: readonly string[]): string =>
      execFileSync(process.execPath, [MAIN, '--config', config, 'logs', 'pod', 'again', ...options], {
        encoding: 'utf8',
      });
    expect([logs(), logs('--previous')]).toEqual(['first\nsecond\n', 'first\n']);
  });
});

describe('holdfast top', () => {
  test('tells what every container uses, also as JSON', async () => {
    const run = (...args: readonly string[]): string =>
      execFileSync(process.execPath, [MAIN, '--config', config, ...args, 'top', '--interval', '50'], {
        encoding: 'utf8',
      });
    expect(run()).toMatch(/^POD .*\npod +app +\d+m +[0-9.]+[KM]iB +0B +1 /);
    expect(JSON.parse(run('--output', 'json'))).toMatchObject([{ sandboxId: 'pod', name: 'app', pids: 1 }]);
  });
});
