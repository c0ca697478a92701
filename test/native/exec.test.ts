import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { capabilityNames } from '../../native/container/capabilities.ts';
import { defaultSeccomp, type ExecSession, type ExecSpec } from '../../native/index.ts';
import { type ContainerStage, openContainerStage, readLog, type SpecChanges, untilSome } from './container-stage.ts';

const APP = { sandboxId: 'pod', name: 'app' };
const SLEEPS = 'sleep 1000';

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});

afterEach(() => stage.close());

async function app(script = SLEEPS, changes: SpecChanges = {}): Promise<void> {
  await stage.sandbox();
  await stage.backend.startContainer(stage.spec(script, changes));
}

function exec(script: string, changes: Partial<ExecSpec> = {}): Promise<ExecSession> {
  return stage.backend.execContainer(APP, { args: ['sh', '-c', script], ...changes });
}

/** @returns the lines a script wrote to standard output. */
async function lines(script: string, changes: Partial<ExecSpec> = {}): Promise<readonly string[]> {
  const session = await exec(script, changes);
  session.stderr.resume();
  return (await text(session.stdout)).trimEnd().split('\n');
}

/** Collects what comes. @returns all of it by now. */
function collect(session: ExecSession): () => string {
  let all = '';
  session.stdout.on('data', (chunk: Buffer) => {
    all += chunk.toString();
  });
  return () => all;
}

describe('a program run in a container', () => {
  test('is in all of its namespaces and cgroups', async () => {
    await app();
    const each = 'for kind in cgroup ipc mnt net pid user uts; do readlink /proc/$process/ns/$kind; done';
    const found = await lines(`for process in self 1; do ${each}; done; hostname; cat /proc/self/cgroup`);
    expect(found.slice(0, 7)).toEqual(found.slice(7, 14));
    expect(new Set(found.slice(0, 7)).size).toBe(7);
    expect(found[14]).toBe('pod-0');
    expect(found.slice(15).filter((line) => line.includes('pod/app'))).toEqual([]);
    const session = await exec(SLEEPS);
    expect(await stage.cgroups.pids('pod/app')).toContain(session.pid);
    const groups = (pid: number | null): Promise<string> => readFile(`/proc/${pid}/cgroup`, 'utf8');
    expect(await groups(session.pid)).toBe(await groups((await stage.observed()).pid));
  });

  test('is confined as the container’s own', async () => {
    const script =
      'grep -E "^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups)" /proc/self/status; cat /proc/self/oom_score_adj; ulimit -n';
    const user = { uid: 0, gid: 7, umask: 0o27, additionalGids: [8, 9] };
    const process = { capabilities: ['CAP_CHOWN', 'CAP_KILL'], user, oomScoreAdj: 300 };
    const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 321, hard: 400 }];
    const spec = stage.spec(`${script}; ${SLEEPS}`, {
      process: { ...process, rlimits },
      linux: { seccomp: defaultSeccomp },
    });
    await stage.sandbox();
    await stage.backend.startContainer(spec);
    const found = await lines(script);
    await untilSome(async () => (await readLog(spec, 'stdout')).length >= found.length);
    expect(found).toEqual(await readLog(spec, 'stdout'));
    expect(found).toContain('NoNewPrivs:\t1');
    expect(found).toContain('CapEff:\t0000000000000021');
    expect(await lines('unshare -U true 2>/dev/null; echo $?; touch /made; stat -c %a:%g /made')).toEqual([
      expect.not.stringMatching(/^0$/),
      '640:7',
    ]);
  });

  test('gets the container’s environment, user and directory, and what was asked for instead', async () => {
    await app(SLEEPS, { process: { env: ['PATH=/bin', 'A=1', 'B=2'], cwd: '/etc' } });
    expect(await lines('echo $A $B $C; pwd; id -u')).toEqual(['1 2', '/etc', '0']);
    const user = { uid: 1000, gid: 1001, additionalGids: [5] };
    expect(await lines('echo $A $B $C; pwd; id', { env: ['B=3', 'C=4'], cwd: '/bin', user })).toEqual([
      '1 3 4',
      '/bin',
      'uid=1000 gid=1001 groups=5',
    ]);
    await expect(exec('true', { cwd: '/nowhere' })).rejects.toMatchObject({ stage: 'enter working directory' });
  });

  test('has no descriptor but its three streams', async () => {
    await app();
    expect(await lines('for fd in /proc/$$/fd/*; do readlink $fd; done')).toEqual(
      [0, 1, 2].map(() => expect.stringMatching(/^pipe:/)),
    );
  });

  test('can open its streams again by name', async () => {
    await app();
    const session = await exec('echo out > /dev/stdout; echo err > /dev/stderr; cat < /dev/stdin', {
      user: { uid: 1000, gid: 1000 },
    });
    session.stdin.end('in');
    expect([await text(session.stdout), await text(session.stderr)]).toEqual(['out\nin', 'err\n']);
  });

  test('leaves its children to the container’s init', async () => {
    await app();
    expect(await lines('sleep 1000 >/dev/null 2>&1 & echo started')).toEqual(['started']);
    expect(await stage.cgroups.pids('pod/app')).toHaveLength(2);
  });

  test('ends when the agent does', async () => {
    await app();
    const { stateDir, runDir, cgroupRoot } = stage;
    const index = fileURLToPath(new URL('../../native/index.ts', import.meta.url));
    const program = `
      const { createKernelBackend } = await import(${JSON.stringify(index)});
      const backend = await createKernelBackend(${JSON.stringify({ stateDir, runDir, cgroupRoot })});
      const session = await backend.execContainer(${JSON.stringify(APP)}, { args: ['sleep', '2000'] });
      console.log(session.pid);
      session.exited.then(() => process.exit(3));`;
    const agent = spawn(process.execPath, ['--input-type=module', '-e', program]);
    const [pid] = await once(agent.stdout, 'data');
    expect(await stage.cgroups.pids('pod/app')).toContain(Number(pid));
    agent.kill('SIGKILL');
    await untilSome(async () => !(await stage.cgroups.pids('pod/app')).includes(Number(pid)));
    expect((await stage.observed()).state).toBe('running');
  });

  test('that reads nothing can be sent much and be killed, as can one nobody reads from', async () => {
    await app();
    const deaf = await exec(SLEEPS);
    deaf.stdin.on('error', () => undefined);
    deaf.stdin.write(Buffer.alloc(3_000_000));
    const loud = await exec('yes');
    await untilSome(async () => loud.stdout.readableLength > 0);
    for (const session of [deaf, loud]) {
      session.kill();
      session.stdout.resume();
      session.stderr.resume();
      expect(await session.exited).toMatchObject({ signal: 'SIGKILL' });
    }
  });

  test('does not wait for what its children keep open', async () => {
    await app();
    const session = await exec('sleep 1000 & yes | head -c 300000; exit 4');
    expect((await text(session.stdout)).length).toBe(300_000);
    expect(await session.exited).toMatchObject({ code: 4 });
  });
});

describe('a program on a terminal', () => {
  const terminal = { rows: 33, columns: 101 };

  test('has a controlling terminal of the container, of the size given, and hears of a new one', async () => {
    await app();
    const script = `
      trap "stty size; exit 5" WINCH
      stty size; readlink /proc/self/fd/0; ls /dev/pts; echo $TERM; echo heard > /dev/tty
      while :; do sleep 0.02; done`;
    const session = await exec(script, { terminal });
    const written = collect(session);
    await untilSome(async () => written().includes('heard'));
    expect(written().split('\r\n').slice(0, 4)).toEqual(['33 101', '/dev/pts/0', '0     ptmx', 'xterm']);
    session.resize({ rows: 10, columns: 20 });
    expect(await session.exited).toMatchObject({ code: 5 });
    expect(written()).toMatch(/10 20\r\n$/);
    expect(await text(session.stderr)).toBe('');
  });

  test('is edited, interrupted and ended as on any terminal', async () => {
    await app();
    const session = await exec('echo ready; cat; echo ended; sleep 1000', { terminal });
    const written = collect(session);
    await untilSome(async () => written().includes('ready'));
    session.stdin.write('wrong\x7f\x7f\x7fite\r\x04');
    await untilSome(async () => written().includes('ended'));
    expect(written()).toContain('\r\nwrite\r\n');
    session.stdin.write('\x03');
    expect(await session.exited).toMatchObject({ signal: 'SIGINT' });
  });

  test('keeps all of its last words', async () => {
    await app();
    const session = await exec('seq 1 3000', { terminal });
    expect((await text(session.stdout)).split('\r\n').slice(-2)).toEqual(['3000', '']);
    expect(await session.exited).toMatchObject({ code: 0 });
  });

  test('may be of a user who is not root', async () => {
    await app();
    const session = await exec('echo mine > $(readlink /proc/self/fd/0); stat -c %u $(readlink /proc/self/fd/0)', {
      terminal,
      user: { uid: 1000, gid: 1000 },
    });
    expect(await text(session.stdout)).toBe('mine\r\n1000\r\n');
  });

  test('is not made of what the container put in its place', async () => {
    const process = { capabilities: ['CAP_SYS_ADMIN'] };
    await app(`mount -t tmpfs none /dev/pts && echo > /dev/pts/ptmx; ${SLEEPS}`, { process });
    const refused = { stage: 'check terminal', errno: 'ENODEV' };
    await untilSome(async () => (await lines('cat /proc/mounts')).some((line) => line.startsWith('none /dev/pts')));
    await expect(exec('true', { terminal })).rejects.toMatchObject(refused);
  });
});

describe('a hostile container', () => {
  test('sees nothing of what joins it before that is its own program', async () => {
    const source = fileURLToPath(new URL('./c/peers-into-others.c', import.meta.url));
    execFileSync('musl-gcc', ['-static', '-O2', '-o', join(stage.layer, 'bin/peers'), source]);
    const spec = stage.spec('exec peers', { process: { capabilities: capabilityNames } });
    await stage.sandbox();
    await stage.backend.startContainer(spec);
    const found = (): Promise<readonly string[]> => readLog(spec, 'stdout');
    await untilSome(async () => (await found()).includes('ready'));
    for (let round = 0; round < 60 || !(await found()).includes('kept out'); round += 1) {
      const session = await stage.backend.execContainer(APP, { args: ['busybox', 'true'] });
      session.stdout.resume();
      await session.exited;
    }
    // A log that was turned over begins later.
    expect(new Set((await found()).filter((line) => line !== 'ready'))).toEqual(new Set(['kept out']));
  });

  test('cannot have the runtime’s own program executed', async () => {
    await app();
    const exec = stage.backend.execContainer(APP, { args: ['/proc/self/exe'] });
    await expect(exec).rejects.toMatchObject({ code: 'exec-failed', errno: 'EACCES' });
  });
});
