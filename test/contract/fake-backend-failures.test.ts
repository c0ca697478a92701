import { describe, expect, test } from '@jest/globals';
import { BackendError } from '../../native/index.ts';
import { createFakeBackend, type FakeBackend } from '../fakes/fake-backend.ts';
import { containerSpec, fakeProgramOf } from './container-programs.ts';

const SANDBOX = { id: 'web', labels: {}, hostname: 'web', network: 'private', users: 'private' } as const;
const LIMITS = { memoryBytes: 2 ** 26, cpuMillis: 500, pids: 64 };
const SPEC = containerSpec({
  sandboxId: 'web',
  name: 'app',
  program: 'polite',
  limits: LIMITS,
  ground: { layers: [], logDirectory: '/nowhere' },
});

function fakeAt(time: { now: number }): FakeBackend {
  return createFakeBackend({
    clock: {
      now: () => time.now,
      sleep: async (ms) => {
        time.now += ms;
      },
    },
    program: fakeProgramOf,
  });
}

describe('the fake backend', () => {
  test('fails the next calls as told, changes nothing by them, and works again', async () => {
    const backend = fakeAt({ now: 0 });
    backend.failNext('createSandbox', new BackendError('no-resources', 'clone', 'no pids'));
    backend.failNext('createSandbox', new BackendError('kernel', 'mount', 'no'));
    backend.failNext('observe', new BackendError('internal', 'read', 'no'));
    await expect(backend.createSandbox(SANDBOX)).rejects.toMatchObject({ code: 'no-resources' });
    await expect(backend.createSandbox(SANDBOX)).rejects.toMatchObject({ code: 'kernel' });
    await expect(backend.observe()).rejects.toMatchObject({ code: 'internal' });
    expect((await backend.observe()).sandboxes).toEqual([]);
    await backend.createSandbox(SANDBOX);
    expect((await backend.observe()).sandboxes).toHaveLength(1);
    expect(backend.performed).toEqual(['createSandbox web']);
  });

  test('dies after so many operations, and what they did stays for the next agent', async () => {
    const backend = fakeAt({ now: 0 });
    backend.crashAfter(1);
    await backend.createSandbox(SANDBOX);
    await expect(backend.startContainer(SPEC)).rejects.toMatchObject({ name: 'AgentDied' });
    await expect(backend.observe()).rejects.toMatchObject({ name: 'AgentDied' });
    const next = createFakeBackend({ clock: { now: () => 0 }, node: backend.node });
    expect((await next.observe()).sandboxes).toMatchObject([{ id: 'web', state: 'ready', containers: [] }]);
    await next.startContainer(SPEC);
    expect((await next.observe()).sandboxes).toMatchObject([{ containers: [{ name: 'app' }] }]);
  });

  test('lives by the clock it is given', async () => {
    const time = { now: 5000 };
    const backend = fakeAt(time);
    await backend.createSandbox(SANDBOX);
    const stubborn = { ...SPEC, labels: { program: 'stubborn' } };
    await backend.startContainer(stubborn);
    await backend.stopContainer(SPEC, { graceMs: 30_000 });
    expect((await backend.observe()).sandboxes[0]?.containers).toMatchObject([
      { startedAt: 5000, exit: { signal: 'SIGKILL', finishedAt: 35_000 } },
    ]);
  });

  test('gives observations nobody can change it through', async () => {
    const backend = fakeAt({ now: 0 });
    await backend.createSandbox(SANDBOX);
    const { sandboxes } = await backend.observe();
    Object.assign(sandboxes[0] ?? {}, { state: 'dead' });
    expect((await backend.observe()).sandboxes[0]?.state).toBe('ready');
  });
});
