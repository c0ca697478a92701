import { describe, expect, test } from '@jest/globals';
import { type ContractStage, LIMITS, PATIENCE_MS } from './contract-stage.ts';

const GRACE_MS = 300;

/** What the contract says about containers that are stopped and removed. */
export function stopContract(stage: ContractStage): void {
  describe('stopContainer', () => {
    test('asks with the container’s stop signal', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      await stage.ground.untilReady(spec);
      await stage.backend.stopContainer(spec, { graceMs: PATIENCE_MS });
      expect(await stage.present(spec)).toMatchObject({
        state: 'exited',
        pid: null,
        exit: { code: 7, signal: null, lost: false },
      });
    });

    test('asks with the signal given', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite to SIGUSR1');
      await stage.ground.untilReady(spec);
      await stage.backend.stopContainer(spec, { graceMs: PATIENCE_MS, signal: 'SIGUSR1' });
      expect((await stage.present(spec)).exit).toMatchObject({ code: 8, signal: null });
    });

    test('kills all of it after the grace, not before', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('stubborn');
      await stage.ground.untilReady(spec);
      const asked = Date.now();
      await stage.backend.stopContainer(spec, { graceMs: GRACE_MS });
      const { exit } = await stage.present(spec);
      expect(exit).toMatchObject({ code: null, signal: 'SIGKILL', oomKilled: false, lost: false });
      expect((exit?.finishedAt ?? 0) - asked).toBeGreaterThanOrEqual(GRACE_MS - 20);
    });

    test('does nothing when it has ended, or never was', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('exits with 3');
      const before = await stage.exited(spec);
      await stage.backend.stopContainer(spec, { graceMs: 0 });
      expect(await stage.observed(spec)).toEqual(before);
      await stage.backend.stopContainer({ sandboxId: stage.sandbox.id, name: 'none' }, { graceMs: 0 });
      await stage.backend.stopContainer({ sandboxId: 'none', name: 'none' }, { graceMs: 0 });
    });
  });

  describe('removeContainer', () => {
    test('kills it, leaves the others, and does nothing the second time', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('stubborn');
      const other = await stage.start('polite', LIMITS, 'other');
      const before = await stage.observed(other);
      await stage.backend.removeContainer(spec);
      await stage.backend.removeContainer(spec);
      expect((await stage.observedSandbox())?.containers).toEqual([before]);
      expect((await stage.backend.observe()).strangers).toEqual([]);
      await stage.backend.removeContainer({ sandboxId: 'none', name: 'none' });
    });

    test('makes room for a new one of that name', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      await stage.exited(await stage.start('marks its root'));
      await stage.backend.removeContainer({ sandboxId: stage.sandbox.id, name: 'app' });
      expect((await stage.exited(await stage.start('marks its root'))).exit?.code).toBe(0);
    });
  });
}
