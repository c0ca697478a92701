import { describe, expect, test } from '@jest/globals';
import { type ContractStage, LIMITS, PATIENCE_MS } from './contract-stage.ts';

/** What the contract says about containers that are paused. */
export function pauseContract(stage: ContractStage): void {
  describe('pauseContainer', () => {
    test('holds a container still until it is resumed, and both may be asked for twice', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const before = await stage.present(spec);
      for (const _ of ['once', 'twice']) {
        await stage.backend.pauseContainer(spec);
        expect(await stage.present(spec)).toEqual({ ...before, state: 'paused' });
      }
      for (const _ of ['once', 'twice']) {
        await stage.backend.resumeContainer(spec);
        expect(await stage.present(spec)).toEqual(before);
      }
    });

    test('holds still no other container of the pod', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const other = await stage.start('polite', LIMITS, 'other');
      await stage.backend.pauseContainer(spec);
      expect((await stage.present(other)).state).toBe('running');
    });

    test('is seen by the next agent', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      await stage.backend.pauseContainer(spec);
      const next = await stage.ground.reopen();
      expect(await stage.observed(spec, next)).toMatchObject({ state: 'paused' });
      await next.resumeContainer(spec);
      expect((await stage.present(spec)).state).toBe('running');
    });

    test('says not-found for a container that does not run', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('exits with 3');
      await stage.exited(spec);
      for (const ref of [spec, { ...spec, name: 'none' }]) {
        await expect(stage.backend.pauseContainer(ref)).rejects.toMatchObject({ code: 'not-found' });
        await expect(stage.backend.resumeContainer(ref)).rejects.toMatchObject({ code: 'not-found' });
      }
    });
  });

  describe('a paused container', () => {
    test('is resumed to heed its stop signal', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      await stage.ground.untilReady(spec);
      await stage.backend.pauseContainer(spec);
      await stage.backend.stopContainer(spec, { graceMs: PATIENCE_MS });
      expect(await stage.present(spec)).toMatchObject({ state: 'exited', exit: { code: 7, lost: false } });
    });

    test('can be killed, and started again', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('stubborn');
      await stage.backend.pauseContainer(spec);
      await stage.ground.killContainer(await stage.present(spec));
      expect((await stage.exited(spec)).exit).toMatchObject({ signal: 'SIGKILL', lost: false });
      await stage.backend.startContainer(spec);
      expect((await stage.present(spec)).state).toBe('running');
    });

    test('can be removed, alone and with its sandbox', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('stubborn');
      await stage.backend.pauseContainer(spec);
      await stage.backend.removeContainer(spec);
      expect((await stage.observedSandbox())?.containers).toEqual([]);
      await stage.backend.pauseContainer(await stage.start('stubborn'));
      await stage.backend.removeSandbox(stage.sandbox.id);
      expect(await stage.observedSandbox()).toBeUndefined();
    });

    test('keeps its limits changeable', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      await stage.backend.pauseContainer(spec);
      const limits = { ...spec.limits, pids: 77 };
      await stage.backend.updateLimits(spec, limits);
      expect(await stage.present(spec)).toMatchObject({ state: 'paused', applied: limits, kernel: { pids: 77 } });
    });
  });
}
