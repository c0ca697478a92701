import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createKernelBackend, type ObservedContainer } from '../../native/index.ts';
import { type ContainerStage, openContainerStage, untilSome } from './container-stage.ts';

const APP = { sandboxId: 'pod', name: 'app' };

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});

afterEach(() => stage.close());

describe('a program that cannot start', () => {
  test.each([
    [['/etc/from-layer'], 'EACCES'],
    [['nothing-of-that-name'], 'ENOENT'],
    [['/etc/from-layer/x'], 'ENOTDIR'],
    [['/dev'], 'EACCES'],
  ])('%j: %s', async (args, errno) => {
    await stage.sandbox();
    const started = stage.backend.startContainer(stage.spec('', { process: { args } }));
    await expect(started).rejects.toMatchObject({ code: 'exec-failed', stage: 'execve', errno });
    expect(await stage.backend.observe()).toMatchObject({ sandboxes: [{ containers: [] }], strangers: [] });
    expect(await readdir(join(stage.stateDir, 'containers/pod'))).toEqual([]);
  });

  test('names the step: a layer that is not there', async () => {
    await stage.sandbox();
    const spec = stage.spec('true', { layers: [stage.layer, '/not/there'] });
    await expect(stage.backend.startContainer(spec)).rejects.toMatchObject({ stage: 'open layer', errno: 'ENOENT' });
  });

  test('names the step: a user outside the pod’s range', async () => {
    await stage.sandbox();
    const user = { uid: 65536, gid: 0, umask: 0, additionalGids: [] };
    await expect(stage.backend.startContainer(stage.spec('true', { process: { user } }))).rejects.toMatchObject({
      code: 'invalid-spec',
      message: expect.stringContaining('0 to 65535'),
    });
  });
});

describe('a program that makes the shim its tracer', () => {
  test('is let go on, and its exit is told', async () => {
    const source = fileURLToPath(new URL('./c/asks-to-be-traced.c', import.meta.url));
    execFileSync('musl-gcc', ['-static', '-o', join(stage.layer, 'bin/traced'), source]);
    await stage.sandbox();
    const { exit, stdout } = await stage.run('exec /bin/traced');
    expect([exit.code, stdout]).toEqual([5, ['let go']]);
  });
});

describe('settings beyond this node', () => {
  test('are clamped, and the container runs', async () => {
    await stage.sandbox();
    const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 2 ** 40 }];
    const { stdout } = await stage.run('ulimit -n; cat /proc/self/oom_score_adj', {
      process: { rlimits, oomScoreAdj: 500 },
    });
    expect(stdout).toEqual(['512', '500']);
    expect((await stage.observed()).clamped).toEqual(['rlimits']);
  });
});

describe('the log', () => {
  const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] .*$/;

  test('has every line in CRI form, the last one though it has no end', async () => {
    await stage.sandbox();
    await stage.run('echo one; echo two >&2; echo; printf unfinished');
    const lines = (await readFile(logPath(), 'utf8')).split('\n').slice(0, -1);
    for (const line of lines) expect(line).toMatch(LINE);
    expect(lines.map((line) => line.split(' ').slice(1).join(' ')).sort()).toEqual(
      ['stdout F one', 'stderr F two', 'stdout F ', 'stdout F unfinished'].sort(),
    );
  });

  test('splits a line that is too long into parts', async () => {
    await stage.sandbox();
    await stage.run('head -c 40000 /dev/zero | busybox tr "\\0" x; echo');
    const lines = (await readFile(logPath(), 'utf8')).split('\n').slice(0, -1);
    expect(lines.map((line) => line.split(' ')[2])).toEqual(['P', 'P', 'F']);
    expect(lines.map((line) => line.split(' ')[3]).join('')).toBe('x'.repeat(40_000));
  });

  test('rotates by size, keeps the given number of files and loses nothing in between', async () => {
    await stage.sandbox();
    await stage.run('seq 1 400', { log: { maxBytes: 4000, maxFiles: 3 } });
    const names = (await readdir(dirname(logPath()))).sort();
    expect(names).toEqual(['app.log', 'app.log.1', 'app.log.2']);
    const texts = await Promise.all(names.map((name) => readFile(join(dirname(logPath()), name), 'utf8')));
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(4000);
    const numbers = texts
      .toReversed()
      .flatMap((text) => text.match(/\d+$/gm))
      .map(Number);
    expect(numbers.at(-1)).toBe(400);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 401 - numbers.length + i));
  });

  test('is not written through a link', async () => {
    await stage.sandbox();
    await mkdir(dirname(logPath()), { recursive: true });
    await writeFile(join(stage.directory, 'victim'), 'untouched');
    await symlink(join(stage.directory, 'victim'), logPath());
    await expect(stage.backend.startContainer(stage.spec('echo x'))).rejects.toMatchObject({
      stage: 'open log',
      errno: 'ELOOP',
    });
    expect(await readFile(join(stage.directory, 'victim'), 'utf8')).toBe('untouched');
  });

  test('on a full disk holds up nothing, and what was dropped is counted', async () => {
    await stage.sandbox({ users: 'host' });
    const mounts = [{ destination: '/small', type: 'tmpfs', source: '', options: ['size=1m'] }] as const;
    await stage.backend.startContainer(stage.spec('sleep 1000', { name: 'disk', config: { mounts } }));
    const { pid } = await stage.observed('disk');
    const path = join('/proc', String(pid), 'root', 'small/app.log');
    const { exit } = await stage.run('seq 1 5000; exit 4', { log: { path, maxBytes: 2 ** 40, maxFiles: 1 } });
    expect(exit.code).toBe(4);
    const text = await readFile(path, 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    const kept = text.split('\n').length - 1;
    expect(await droppedLines()).toEqual([5000 - kept]);
  });

  test('goes on once a full disk has room again', async () => {
    await stage.sandbox({ users: 'host' });
    const mounts = [{ destination: '/small', type: 'tmpfs', source: '', options: ['size=1m'] }] as const;
    await stage.backend.startContainer(stage.spec('sleep 1000', { name: 'disk', config: { mounts } }));
    const { pid } = await stage.observed('disk');
    const small = join('/proc', String(pid), 'root', 'small');
    await writeFile(join(small, 'filler'), Buffer.alloc(960 * 1024));
    // More than the disk has room for now, and less than it will have once the filler is gone.
    const script = 'seq 1 5000; while ! test -e /go; do sleep 0.02; done; echo back; exit 5';
    const log = { path: join(small, 'app.log'), maxBytes: 2 ** 40, maxFiles: 1 };
    await stage.backend.startContainer(stage.spec(script, { log }));
    await untilSome(async () => (await statfs(small)).bavail <= 1);
    await rm(join(small, 'filler'));
    const { pid: writer } = await stage.observed();
    await writeFile(join('/proc', String(writer), 'root', 'go'), '');
    expect((await stage.exited()).code).toBe(5);
    expect(await readFile(log.path, 'utf8')).toMatch(/ stdout F back\n$/);
  });

  test('goes with the sandbox, rotated files too, and stays until then', async () => {
    await stage.sandbox();
    await stage.run('seq 1 400', { log: { maxBytes: 4000, maxFiles: 3 } });
    await stage.backend.removeContainer(APP);
    expect(await readdir(dirname(logPath()))).toHaveLength(3);
    await stage.backend.removeSandbox('pod');
    expect(await readdir(dirname(logPath()))).toEqual([]);
  });
});

describe('death', () => {
  test('of the agent leaves its containers running, and the next agent adopts them', async () => {
    const { stateDir, runDir, cgroupRoot } = stage;
    const start = `
      const { createKernelBackend } = await import(${JSON.stringify(fileURLToPath(new URL('../../native/index.ts', import.meta.url)))});
      const [options, sandbox, spec] = JSON.parse(process.argv[1]);
      const backend = await createKernelBackend(options);
      await backend.createSandbox(sandbox);
      await backend.startContainer(spec);
      process.kill(process.pid, 'SIGKILL');`;
    const spec = stage.spec('trap "exit 9" TERM; while :; do echo tick; sleep 0.02; done');
    const sandbox = { id: 'pod', labels: { a: 'b' }, hostname: 'pod-0', network: 'private', users: 'private' };
    const options = { stateDir, runDir, cgroupRoot };
    const agent = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      start,
      JSON.stringify([options, sandbox, spec]),
    ]);
    const [, signal] = await once(agent, 'exit');
    expect(signal).toBe('SIGKILL');
    const next = await createKernelBackend(options);
    const before = (await readFile(spec.log.path, 'utf8')).length;
    await untilSome(async () => (await readFile(spec.log.path, 'utf8')).length > before);
    expect((await next.observe()).sandboxes).toMatchObject([
      { labels: { a: 'b' }, containers: [{ state: 'running' }] },
    ]);
    await next.stopContainer(APP, { graceMs: 10_000 });
    expect((await stage.exited()).code).toBe(9);
  });

  test('of a shim by any signal it can be deaf to ends nothing', async () => {
    await stage.sandbox();
    await stage.backend.startContainer(stage.spec('sleep 0.3; exit 6'));
    const shim = await shimPid();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGPIPE', 'SIGALRM'] as const) {
      process.kill(shim, signal);
    }
    expect(await stage.exited()).toMatchObject({ code: 6, lost: false });
  });

  test('of all room for exit records delays them, and loses none', async () => {
    const runDir = join(stage.directory, 'small');
    await mkdir(runDir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'holdfast-test', runDir]);
    try {
      const backend = await createKernelBackend({ stateDir: stage.stateDir, runDir, cgroupRoot: stage.cgroupRoot });
      await backend.createSandbox({ id: 'pod', labels: {}, hostname: 'pod-0', network: 'private', users: 'private' });
      await backend.startContainer(stage.spec('sleep 1000'));
      const app = async (): Promise<ObservedContainer | undefined> =>
        (await backend.observe()).sandboxes[0]?.containers[0];
      await writeFile(join(runDir, 'filler'), Buffer.alloc(1 << 20)).catch(() => undefined);
      process.kill((await app())?.pid ?? 0, 'SIGKILL');
      await untilSome(async () => (await stage.cgroups.pids('pod/app')).length === 0);
      expect((await app())?.exit).toBeNull();
      await rm(join(runDir, 'filler'));
      expect(await untilSome(async () => (await app())?.exit)).toMatchObject({ signal: 'SIGKILL', lost: false });
      await backend.removeSandbox('pod');
    } finally {
      execFileSync('umount', [runDir]);
    }
  });

  test('of the shim ends its container, which counts as lost', async () => {
    await stage.sandbox();
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    const shim = await shimPid();
    let calls = 0;
    const unwatch = stage.backend.watch(() => {
      calls += 1;
    });
    process.kill(shim, 'SIGKILL');
    await untilSome(async () => calls > 0);
    unwatch();
    const exit = await stage.exited();
    expect(exit).toMatchObject({ code: null, signal: null, lost: true });
    expect(await (await stage.reopen()).observe()).toMatchObject({ sandboxes: [{ containers: [{ exit }] }] });
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    expect((await stage.observed()).state).toBe('running');
  });

  test('of the agent in the middle of a start is repaired by the next start', async () => {
    await stage.sandbox();
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    const file = join(stage.runDir, 'sandboxes/pod/containers/app.json');
    const record = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...record, running: null }));
    const next = await stage.reopen();
    const { sandboxes, strangers } = await next.observe();
    expect(strangers).toEqual([]);
    expect(sandboxes[0]?.containers).toMatchObject([{ state: 'exited', exit: { lost: true } }]);
    await next.startContainer(stage.spec('sleep 1000'));
    await expect(access(`/proc/${record.running.init.pid}`)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await stage.cgroups.pids('pod/app')).toHaveLength(1);
  });

  test('by SIGKILL is by SIGKILL, however busily it forks: no program meets a failing fork before its end', async () => {
    await stage.sandbox();
    for (let round = 0; round < 10; round++) {
      await stage.backend.startContainer(stage.spec('while :; do /bin/true; done'));
      await sleep(30);
      await stage.backend.stopContainer(APP, { graceMs: 0, signal: 'SIGCHLD' });
      expect(await stage.exited('app')).toMatchObject({ code: null, signal: 'SIGKILL' });
    }
  });

  test('of the whole node leaves nothing on the disk but what is in use', async () => {
    await stage.sandbox();
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    await stage.cgroups.kill('');
    await rm(stage.runDir, { recursive: true });
    const next = await stage.reopen();
    expect(await readdir(join(stage.stateDir, 'containers'))).toEqual([]);
    const { strangers } = await next.observe();
    for (const { id } of strangers) await next.removeStranger(id);
    expect(await next.observe()).toEqual({
      networks: [],
      traffic: { guards: [], allowed: [], services: [] },
      sandboxes: [],
      strangers: [],
    });
  });

  test('of a pid’s owner does not pass to its next owner', async () => {
    await stage.sandbox();
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    const file = join(stage.runDir, 'sandboxes/pod/containers/app.json');
    const record = JSON.parse(await readFile(file, 'utf8'));
    await sleep(50);
    const bystander = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
    await once(bystander, 'spawn');
    record.running.init.pid = bystander.pid;
    await writeFile(file, JSON.stringify(record));
    await stage.backend.stopContainer(APP, { graceMs: 1000 });
    expect(bystander.signalCode).toBeNull();
    process.kill(bystander.pid as number, 0);
    bystander.kill('SIGKILL');
    await once(bystander, 'exit');
  });
});

function logPath(): string {
  return join(stage.directory, 'logs/pod/app.log');
}

/** The parent of the container's first process. */
async function shimPid(): Promise<number> {
  const { pid } = await stage.observed();
  return Number(/^PPid:\t(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Of every exit record. */
async function droppedLines(): Promise<readonly number[]> {
  const directory = join(stage.runDir, 'exits');
  const texts = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8')));
  return texts.map((text) => JSON.parse(text).droppedLogLines);
}
