import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ContainerStage, openContainerStage, untilSome } from './container-stage.ts';

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});

afterEach(() => stage.close());

const namespaceOf = (pid: number | null | 'self', kind: string): Promise<string> => readlink(`/proc/${pid}/ns/${kind}`);
const holderOf = async (): Promise<number> => (await stage.backend.observe()).sandboxes[0]?.pid ?? 0;
const isGone = async (pid: number | null): Promise<boolean> => !(await readdir('/proc')).includes(String(pid));

describe('containers that share their processes', () => {
  test('are of the holder’s pid namespace, which is not the node’s, and see and signal each other', async () => {
    await stage.sandbox({ processes: 'shared' });
    await stage.backend.startContainer(
      stage.spec('trap "echo heard; exit 4" USR1; echo $$ > /dev/shm/pid; while :; do sleep 0.05; done'),
    );
    const { pid } = await stage.observed();
    expect(await namespaceOf(pid, 'pid')).toBe(await namespaceOf(await holderOf(), 'pid'));
    expect(await namespaceOf(pid, 'pid')).not.toBe(await namespaceOf('self', 'pid'));
    const { stdout } = await stage.run(
      'cat /proc/1/comm; for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; echo; done | grep -c "[t]rap"; until kill -USR1 $(cat /dev/shm/pid); do sleep 0.05; done',
      { name: 'other' },
    );
    expect(stdout).toEqual(['holdfast-pod', '1']);
    expect(await stage.exited()).toMatchObject({ code: 4, signal: null });
  });

  test('have their orphans reaped by the first process', async () => {
    await stage.sandbox({ processes: 'shared' });
    const { stdout } = await stage.run(
      '(sleep 0.05 & echo $! ) > /orphan; sleep 0.3; test -e /proc/$(cat /orphan) && echo zombie; grep -l "^State:.Z" /proc/[0-9]*/status; echo done',
    );
    expect(stdout).toEqual(['done']);
  });

  test('take along what a container leaves behind when its own process ends', async () => {
    await stage.sandbox({ processes: 'shared' });
    await stage.run('(busybox setsid sleep 1000 &); sleep 0.1');
    await untilSome(async () => (await stage.cgroups.pids('pod/app')).length === 0);
  });

  test('end with the holder, and their end is on record', async () => {
    await stage.sandbox({ processes: 'shared' });
    await stage.backend.startContainer(stage.spec('trap "" TERM; while :; do sleep 1; done'));
    const { pid } = await stage.observed();
    process.kill(await holderOf(), 'SIGKILL');
    expect(await stage.exited()).toMatchObject({ code: null, signal: 'SIGKILL', lost: false });
    expect(await isGone(pid)).toBe(true);
  });

  test('run more programs where they see the same', async () => {
    await stage.sandbox({ processes: 'shared' });
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    const ref = { sandboxId: 'pod', name: 'app' };
    const session = await stage.backend.execContainer(ref, { args: ['cat', '/proc/1/comm'] });
    expect((await session.stdout.toArray()).join('')).toBe('holdfast-pod\n');
    expect(await session.exited).toMatchObject({ code: 0 });
  });
});

describe('a container that joins the processes of another', () => {
  test('sees them, and no others of its pod see its own', async () => {
    await stage.sandbox();
    await stage.backend.startContainer(stage.spec('sleep 1001'));
    await stage.backend.startContainer(stage.spec('sleep 1002', { name: 'apart' }));
    const look = { ...stage.spec('tr "\\0" " " < /proc/1/cmdline; hostname', { name: 'debug' }), processesOf: 'app' };
    await stage.backend.startContainer(look);
    await stage.exited('debug');
    expect(await readFile(look.log.path, 'utf8')).toMatch(/ sleep 1001 /);
    await expect(
      stage.backend.startContainer({ ...stage.spec('true', { name: 'late' }), processesOf: 'nobody' }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  test('ends with it', async () => {
    await stage.sandbox();
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    await stage.backend.startContainer({ ...stage.spec('sleep 1000', { name: 'debug' }), processesOf: 'app' });
    await stage.backend.stopContainer({ sandboxId: 'pod', name: 'app' }, { graceMs: 0 });
    expect(await stage.exited('debug')).toMatchObject({ signal: 'SIGKILL', lost: false });
  });
});

describe.each(['private', 'host'] as const)('a pod of the node’s processes and ipc, with %s users', (users) => {
  test('sees them, with its own container’s cgroup ended by its end', async () => {
    await stage.sandbox({ users, processes: 'host', ipc: 'host' });
    const { stdout } = await stage.run(
      `readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; test -d /proc/${process.pid} && echo seen; (busybox setsid sleep 1000 &); stat -c %d /dev/shm`,
    );
    const { dev } = await stat('/dev/shm');
    expect(stdout).toEqual([await namespaceOf('self', 'pid'), await namespaceOf('self', 'ipc'), 'seen', String(dev)]);
    await untilSome(async () => (await stage.cgroups.pids('pod/app')).length === 0);
  });

  test('runs more programs there', async () => {
    await stage.sandbox({ users, processes: 'host', ipc: 'host' });
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    const args = ['readlink', '/proc/self/ns/pid'];
    const session = await stage.backend.execContainer({ sandboxId: 'pod', name: 'app' }, { args });
    expect((await session.stdout.toArray()).join('').trim()).toBe(await namespaceOf('self', 'pid'));
  });
});

describe('kernel parameters', () => {
  test.each(['private', 'host'] as const)('are those of the pod alone, with %s users', async (users) => {
    const before = await readFile('/proc/sys/net/ipv4/ip_default_ttl', 'utf8');
    const sysctls = {
      'net.ipv4.ip_default_ttl': '33',
      'net.ipv4.ip_local_port_range': '40000 40100',
      'kernel.shmmni': '100',
      'kernel.sem': '250 32000 32 100',
      'fs.mqueue.msg_max': '7',
    };
    await stage.sandbox({ users, sysctls });
    const names = Object.keys(sysctls).map((name) => `/proc/sys/${name.replaceAll('.', '/')}`);
    const { stdout } = await stage.run(`cat ${names.join(' ')}`);
    expect(stdout.map((line) => line.replaceAll('\t', ' '))).toEqual(Object.values(sysctls));
    expect(await readFile('/proc/sys/net/ipv4/ip_default_ttl', 'utf8')).toBe(before);
  });

  test.each([
    [{ 'net.ipv4.no_such_parameter': '1' }, 'ENOENT', 'unsupported'],
    [{ 'net.ipv4.ip_default_ttl': 'many' }, 'EINVAL', 'invalid-spec'],
  ] as const)('that the kernel refuses are named: %j', async (sysctls, errno, code) => {
    await expect(stage.sandbox({ sysctls })).rejects.toMatchObject({
      ...{ stage: 'set sysctl', errno, code },
      message: expect.stringContaining(Object.keys(sysctls)[0]?.replaceAll('.', '/') ?? ''),
    });
    expect((await stage.backend.observe()).sandboxes).toEqual([]);
  });
});
