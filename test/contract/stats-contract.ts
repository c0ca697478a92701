import { describe, expect, test } from '@jest/globals';
import type { LimitEvent } from '../../native/index.ts';
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
          swapBytes: COUNT,
          highHits: 0,
          limitHits: 0,
          oomKills: 0,
        },
        pids: COUNT,
        pidsLimitHits: 0,
        io: { readBytes: COUNT, writtenBytes: COUNT, devices: expect.any(Array) },
        hugepages: null,
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

    test('a container that ran out of memory is told before it is removed, and to nobody after the watch', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const seen: LimitEvent[] = [];
      const unwatch = stage.backend.watchLimits((events) => seen.push(...events));
      const spec = await stage.start('takes much memory', { ...LIMITS, memoryBytes: 16 * 2 ** 20 });
      expect((await stage.exited(spec)).exit).toMatchObject({ oomKilled: true });
      await stage.backend.removeContainer(spec);
      const kill = { sandboxId: stage.sandbox.id, name: 'app', kind: 'oom-kill', count: COUNT };
      expect(seen).toContainEqual(kill);
      unwatch();
      const before = seen.length;
      await stage.exited(await stage.start('takes much memory', { ...LIMITS, memoryBytes: 16 * 2 ** 20 }));
      await stage.backend.removeContainer(spec);
      expect(seen).toHaveLength(before);
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
