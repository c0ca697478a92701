import { describe, expect, test } from '@jest/globals';
import { type ContractStage, LIMITS } from './contract-stage.ts';

const COUNT = expect.any(Number);
const STALL = { last10Percent: COUNT, last60Percent: COUNT, last300Percent: COUNT, totalMicros: COUNT };
const PRESSURE = { some: STALL, full: STALL };

/** What the contract says about what containers use. */
export function statsContract(stage: ContractStage): void {
  describe('stats', () => {
    test('tell of a running container what it uses', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      await stage.ground.untilReady(spec);
      const used = await stage.backend.stats(spec);
      expect(used).toEqual({
        sandboxId: stage.sandbox.id,
        name: 'app',
        at: COUNT,
        cpu: {
          totalMicros: COUNT,
          userMicros: COUNT,
          systemMicros: COUNT,
          periods: COUNT,
          throttledPeriods: COUNT,
          throttledMicros: COUNT,
        },
        memory: {
          totalBytes: COUNT,
          workingSetBytes: COUNT,
          anonymousBytes: COUNT,
          fileBytes: COUNT,
          peakBytes: COUNT,
          limitHits: 0,
          oomKills: 0,
        },
        pids: COUNT,
        io: { readBytes: COUNT, writtenBytes: COUNT },
        pressure: { cpu: PRESSURE, memory: PRESSURE, io: PRESSURE },
      });
      expect(used.cpu.totalMicros).toBeGreaterThan(0);
      expect(used.memory.totalBytes).toBeGreaterThan(0);
      expect(used.pids).toBeGreaterThan(0);
    });

    test('tell of all that run, and of nothing else', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      await stage.start('polite', LIMITS, 'a');
      await stage.start('polite', LIMITS, 'b');
      await stage.exited(await stage.start('exits with 3', LIMITS, 'c'));
      expect((await stage.backend.statsOfAll()).map(({ name }) => name).sort()).toEqual(['a', 'b']);
    });

    test('of a container that does not run are not found', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('exits with 3');
      await stage.exited(spec);
      for (const ref of [spec, { ...spec, name: 'none' }]) {
        await expect(stage.backend.stats(ref)).rejects.toMatchObject({ code: 'not-found' });
      }
    });
  });
}
