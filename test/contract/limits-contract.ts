import { describe, expect, test } from '@jest/globals';
import { canonicalLimits, type Limits } from '../../native/index.ts';
import { type ContractStage, LIMITS, NO_LIMITS } from './contract-stage.ts';

const OTHER_LIMITS: Limits = { memoryBytes: 96_000_000, cpuMillis: 5, pids: null };

/** What the contract says about limits, and about cgroups that are not ours. */
export function limitsContract(stage: ContractStage): void {
  describe('limits', () => {
    test('may be none', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      expect(await stage.present(await stage.start('polite', NO_LIMITS))).toMatchObject({
        applied: NO_LIMITS,
        kernel: NO_LIMITS,
      });
    });

    test('change in place, and the container runs on', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const { pid } = await stage.present(spec);
      for (const limits of [OTHER_LIMITS, NO_LIMITS, LIMITS, LIMITS]) {
        await stage.backend.updateLimits(spec, limits);
        expect(await stage.present(spec)).toMatchObject({
          pid,
          state: 'running',
          applied: limits,
          kernel: canonicalLimits(limits),
        });
      }
    });

    test('that somebody else changed are seen, and healed', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const theirs = canonicalLimits({ memoryBytes: 128 * 2 ** 20, cpuMillis: 900, pids: 4000 });
      await stage.ground.tamperLimits(await stage.present(spec), theirs);
      expect(await stage.present(spec)).toMatchObject({ applied: LIMITS, kernel: theirs });
      await stage.backend.updateLimits(spec, LIMITS);
      expect(await stage.present(spec)).toMatchObject({ applied: LIMITS, kernel: canonicalLimits(LIMITS) });
    });

    test('of a container that does not run cannot change', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      await expect(
        stage.backend.updateLimits({ sandboxId: stage.sandbox.id, name: 'app' }, LIMITS),
      ).rejects.toMatchObject({
        code: 'not-found',
      });
      const spec = await stage.start('exits with 3');
      await stage.exited(spec);
      await expect(stage.backend.updateLimits(spec, NO_LIMITS)).rejects.toMatchObject({ code: 'not-found' });
      expect((await stage.present(spec)).applied).toEqual(LIMITS);
    });
  });

  describe('a stranger', () => {
    test('is seen with its processes, removed, and may be removed again', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const { id, pid } = await stage.ground.addStranger();
      expect((await stage.backend.observe()).strangers).toEqual([{ id, pids: [pid] }]);
      await stage.backend.removeStranger(id);
      await stage.backend.removeStranger(id);
      expect((await stage.backend.observe()).strangers).toEqual([]);
      expect((await stage.present(spec)).state).toBe('running');
    });
  });
}
