import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createPollSchedule,
  nextDelay,
  type PollSchedule,
  type PollScheduleOptions,
} from '../../agent/source/index.ts';

const EVERY_30_S = '*/30 * * * * *';
let schedule: PollSchedule | undefined;

beforeEach(() => {
  jest.useFakeTimers({ now: new Date('2026-01-01T00:00:01Z') });
});
afterEach(() => {
  schedule?.stop();
  jest.useRealTimers();
});

/** Starts a schedule and records at which second each poll began. */
function start(options: Partial<PollScheduleOptions> = {}): { readonly seconds: number[] } {
  const seconds: number[] = [];
  const onDue = options.onDue ?? (async () => undefined);
  schedule = createPollSchedule({
    cron: EVERY_30_S,
    jitterMs: 0,
    random: () => 0,
    ...options,
    onDue: () => {
      seconds.push(Math.floor((Date.now() - Date.parse('2026-01-01T00:00:00Z')) / 1000));
      return onDue();
    },
  });
  return { seconds };
}

const pass = (seconds: number): Promise<void> => jest.advanceTimersByTimeAsync(seconds * 1000);

describe('a schedule', () => {
  test('polls when its expression says so', async () => {
    const { seconds } = start();
    await pass(95);
    expect(seconds).toEqual([30, 60, 90]);
  });

  test('takes an expression without seconds', async () => {
    const { seconds } = start({ cron: '* * * * *' });
    await pass(130);
    expect(seconds).toEqual([60, 120]);
  });

  test('adds the same share of the jitter every time', async () => {
    const { seconds } = start({ jitterMs: 20_000, random: () => 0.25 });
    await pass(100);
    expect(seconds).toEqual([35, 65, 95]);
  });

  test.each(['', 'often', '61 * * * * *', '* * * *'])('refuses the expression "%s"', (cron) => {
    expect(() => start({ cron })).toThrow(expect.objectContaining({ code: 'misconfigured' }));
  });

  test('polls no more once stopped', async () => {
    const { seconds } = start({ jitterMs: 10_000, random: () => 0.5 });
    await pass(31);
    schedule?.stop();
    schedule?.trigger();
    await pass(120);
    expect(seconds).toEqual([]);
  });
});

describe('a trigger', () => {
  test('polls at once, and the schedule goes on', async () => {
    const { seconds } = start();
    await pass(9);
    schedule?.trigger();
    await pass(25);
    expect(seconds).toEqual([10, 30]);
  });

  test('takes the place of a poll that waits for its jitter', async () => {
    const { seconds } = start({ jitterMs: 20_000, random: () => 0.5 });
    await pass(34);
    schedule?.trigger();
    await pass(20);
    expect(seconds).toEqual([35]);
  });

  test('during a poll makes one more follow it, however many there were', async () => {
    let running = 0;
    let most = 0;
    const { seconds } = start({
      onDue: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 10_000));
        running--;
      },
    });
    schedule?.trigger();
    await pass(2);
    for (let count = 0; count < 3; count++) schedule?.trigger();
    await pass(26);
    expect([seconds, most]).toEqual([[1, 11], 1]);
  });
});

describe('failures', () => {
  const failing = async (): Promise<never> => {
    throw new Error('unreachable');
  };

  test('are retried ever more slowly, whatever the expression says', async () => {
    const { seconds } = start({ onDue: failing });
    await pass(190);
    expect(seconds).toEqual([30, 35, 45, 65, 105, 185]);
  });

  test('are forgotten after a success', async () => {
    let left = 3;
    const { seconds } = start({ onDue: async () => (left-- > 0 ? failing() : undefined) });
    await pass(100);
    expect(seconds).toEqual([30, 35, 45, 65, 90]);
  });

  test('do not hold back a trigger', async () => {
    const { seconds } = start({ onDue: failing });
    await pass(50);
    schedule?.trigger();
    await pass(1);
    expect(seconds).toEqual([30, 35, 45, 51]);
  });

  test('wait between half of and the whole doubled time, at most 15 minutes', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), random, (failures, value) => {
        const longest = Math.min(5_000 * 2 ** (failures - 1), 900_000);
        const delay = nextDelay({ failures, random: value });
        expect(delay).toBeGreaterThanOrEqual(longest / 2);
        expect(delay).toBeLessThanOrEqual(longest);
      }),
    );
  });
});
