import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { type ContainerSpec, canonicalLimits, type ObservedSandbox } from '../../native/index.ts';
import { containerSpec } from './container-programs.ts';
import { type ContractStage, LIMITS, until } from './contract-stage.ts';
import { type ExecName, execSpec } from './exec-programs.ts';

/** What the contract says about containers that start, and how their end is told. */
export function startContract(stage: ContractStage): void {
  describe('startContainer', () => {
    test('gives a running container with its limits', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const before = Date.now();
      const spec = await stage.start('polite');
      const container = await stage.present(spec);
      expect(container).toEqual({
        sandboxId: stage.sandbox.id,
        name: 'app',
        labels: spec.labels,
        state: 'running',
        pid: expect.any(Number),
        startedAt: expect.any(Number),
        exit: null,
        clamped: [],
        applied: LIMITS,
        kernel: canonicalLimits(LIMITS),
      });
      expect(container.startedAt).toBeGreaterThanOrEqual(before - 1000);
      expect(container.startedAt).toBeLessThanOrEqual(Date.now() + 1000);
    });

    test('does nothing when it runs', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const before = await stage.observed(spec);
      await stage.backend.startContainer(spec);
      expect(await stage.observed(spec)).toEqual(before);
    });

    test('runs several containers side by side', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const names = ['a', 'b', 'c', 'd'];
      await Promise.all(names.map((container) => stage.start('polite', LIMITS, container)));
      const containers = (await stage.observedSandbox())?.containers ?? [];
      expect(containers.map((container) => [container.name, container.state]).sort()).toEqual(
        names.map((each) => [each, 'running']),
      );
      expect(new Set(containers.map(({ pid }) => pid)).size).toBe(names.length);
    });

    test('replaces a finished container, with a fresh root', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('marks its root');
      const first = await stage.exited(spec);
      expect(first.exit?.code).toBe(0);
      await stage.backend.startContainer(spec);
      const second = await stage.exited(spec);
      expect(second.exit?.code).toBe(0);
      expect((await stage.observedSandbox())?.containers).toHaveLength(1);
    });

    test('says not-found for a sandbox that is not there', async () => {
      await expect(stage.start('polite')).rejects.toMatchObject({ code: 'not-found' });
    });

    test('refuses a name that is none', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      for (const bad of ['', '..', 'a/b', '../../a']) {
        await expect(stage.start('polite', LIMITS, bad)).rejects.toMatchObject({ code: 'invalid-spec' });
      }
      expect((await stage.observedSandbox())?.containers).toEqual([]);
    });

    test('says exec-failed, and where, for a program that is not there, and leaves nothing', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      await expect(stage.start('missing')).rejects.toMatchObject({
        code: 'exec-failed',
        stage: expect.stringMatching(/exec/),
        errno: 'ENOENT',
      });
      expect((await stage.observedSandbox())?.containers).toEqual([]);
      expect((await stage.backend.observe()).strangers).toEqual([]);
      await stage.start('polite');
      expect((await stage.observedSandbox())?.containers).toHaveLength(1);
    });
  });

  describe('a postStart command', () => {
    const specOf = (exec: ExecName): ContainerSpec => ({
      ...containerSpec({
        ...{ sandboxId: stage.sandbox.id, name: 'app', program: 'polite', limits: LIMITS },
        ground: stage.ground,
      }),
      postStart: execSpec(exec).args,
    });

    test('runs before the start is told of', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      await stage.backend.startContainer(specOf('succeeds'));
      expect((await stage.present(specOf('succeeds'))).state).toBe('running');
    });

    test.each(['writes to both', 'missing'] as const)('that fails (%s) takes the container with it', async (exec) => {
      await stage.backend.createSandbox(stage.sandbox);
      await expect(stage.backend.startContainer(specOf(exec))).rejects.toMatchObject({
        code: 'hook-failed',
        stage: 'postStart',
      });
      expect((await stage.observedSandbox())?.containers).toEqual([]);
      expect((await stage.backend.observe()).strangers).toEqual([]);
    });
  });

  describe('a container that shares another’s processes', () => {
    test('needs one that runs', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const other = { ...spec, name: 'debug', log: { ...spec.log, path: `${spec.log.path}.debug` } };
      await stage.backend.startContainer({ ...other, processesOf: 'app' });
      expect((await stage.present(other)).state).toBe('running');
      const late = { ...other, name: 'late', processesOf: 'nobody' };
      await expect(stage.backend.startContainer(late)).rejects.toMatchObject({ code: 'not-found' });
      expect((await stage.observedSandbox())?.containers).toHaveLength(2);
    });
  });

  describe('the end of a container', () => {
    test('is seen with its exit code', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const { exit, pid, startedAt } = await stage.exited(await stage.start('exits with 3'));
      expect(exit).toEqual({ code: 3, signal: null, oomKilled: false, lost: false, finishedAt: expect.any(Number) });
      expect(pid).toBeNull();
      expect(exit?.finishedAt).toBeGreaterThanOrEqual(startedAt);
    });

    test('is seen with the signal that ended it', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      await stage.ground.killContainer(await stage.present(spec));
      expect((await stage.exited(spec)).exit).toMatchObject({
        code: null,
        signal: 'SIGKILL',
        oomKilled: false,
        lost: false,
      });
    });

    test('for want of memory is told apart', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('takes much memory', { ...LIMITS, memoryBytes: 16 * 2 ** 20 });
      expect((await stage.exited(spec)).exit).toMatchObject({ oomKilled: true, lost: false });
    });

    test('is called back, as is that of a sandbox, until the watch ends', async () => {
      let calls = 0;
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const unwatch = stage.backend.watch(() => {
        calls += 1;
      });
      await stage.ground.killContainer(await stage.present(spec));
      await until(async () => calls > 0);
      expect((await stage.exited(spec)).state).toBe('exited');
      calls = 0;
      await stage.ground.killSandbox((await stage.observedSandbox()) as ObservedSandbox);
      await until(async () => calls > 0);
      await until(async () => (await stage.observedSandbox())?.state === 'dead');
      unwatch();
      calls = 0;
      await stage.backend.removeSandbox(stage.sandbox.id);
      await sleep(100);
      expect(calls).toBe(0);
    });
  });
}
