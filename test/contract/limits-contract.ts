import { describe, expect, test } from '@jest/globals';
import { canonicalLimits, type Limits } from '../../native/index.ts';
import { type ContractStage, LIMITS, NO_LIMITS } from './contract-stage.ts';

const OTHER_LIMITS: Limits = { memoryBytes: 96_000_000, cpuMillis: 5, pids: null };

/** What every ground can hold. */
function everyLimit({ ground }: ContractStage): Limits {
  return {
    ...LIMITS,
    ...{ memoryHighBytes: 48 * 2 ** 20, swapBytes: 16 * 2 ** 20, cpuShares: 512, cpus: '0', mems: '0-0' },
    ioDevices: [{ device: ground.disk, readBytesPerSecond: 1_000_000, writesPerSecond: 100 }],
  };
}

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

    test('of every kind hold from the start, change in place, and go', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const every = everyLimit(stage);
      const spec = await stage.start('polite', every);
      const { pid } = await stage.present(spec);
      expect(await stage.present(spec)).toMatchObject({ applied: every, kernel: canonicalLimits(every) });
      const others: Limits = {
        ...LIMITS,
        cpuShares: 100,
        swapBytes: 0,
        ioDevices: [{ device: stage.ground.disk, readsPerSecond: 9 }],
      };
      for (const limits of [others, every, NO_LIMITS, every]) {
        await stage.backend.updateLimits(spec, limits);
        expect(await stage.present(spec)).toMatchObject({ pid, applied: limits, kernel: canonicalLimits(limits) });
      }
    });

    test('of every kind that somebody else changed are seen, and healed', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const every = everyLimit(stage);
      const spec = await stage.start('polite', every);
      const theirs: Partial<Limits> = {
        // Shares that a weight of cgroup v2 stands for exactly: what nobody asked for is read as those.
        ...{ memoryHighBytes: 16 * 2 ** 20, swapBytes: 0, cpuShares: 4092 },
        ioDevices: [{ device: stage.ground.disk, readBytesPerSecond: 2, writesPerSecond: 2 }],
      };
      await stage.ground.tamperLimits(await stage.present(spec), theirs);
      expect((await stage.present(spec)).kernel).toEqual(canonicalLimits({ ...every, ...theirs }));
      await stage.backend.updateLimits(spec, every);
      expect((await stage.present(spec)).kernel).toEqual(canonicalLimits(every));
    });

    test.each<Partial<Limits>>([
      { cpus: '0,4000' },
      { mems: '900' },
      { ioDevices: [{ device: '/dev/no-such-disk', readsPerSecond: 9 }] },
    ])('that this node cannot hold are refused, and all stay as they were: %j', async (limits) => {
      await stage.backend.createSandbox(stage.sandbox);
      await expect(stage.start('polite', { ...LIMITS, ...limits })).rejects.toMatchObject({ code: 'unsupported' });
      const spec = await stage.start('polite');
      await expect(stage.backend.updateLimits(spec, { ...OTHER_LIMITS, ...limits })).rejects.toMatchObject({
        code: 'unsupported',
      });
      expect(await stage.present(spec)).toMatchObject({ applied: LIMITS, kernel: canonicalLimits(LIMITS) });
    });

    test.each<Partial<Limits>>([
      { memoryBytes: 0 },
      { memoryHighBytes: 2 ** 40 },
      { memoryBytes: null, swapBytes: 5 },
      { cpuShares: 1 },
      { cpus: '3-1' },
      { mems: '' },
      { ioWeight: 5 },
      { ioDevices: [{ device: '/etc/../dev/sda', readsPerSecond: 9 }] },
      { ioDevices: [{ device: '8:0' }, { device: '8:0' }] },
      { ioDevices: [{ device: '8:0', writesPerSecond: 0.5 }] },
      { hugepages: { '3XB': 5 } },
    ])('out of form are refused: %j', async (limits) => {
      await stage.backend.createSandbox(stage.sandbox);
      await expect(stage.start('polite', { ...LIMITS, ...limits })).rejects.toMatchObject({ code: 'invalid-spec' });
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
