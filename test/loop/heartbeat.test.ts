import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHeartbeat, type Heartbeat, type LookCause } from '../../agent/loop/heartbeat.ts';

const LONG_MS = 60_000;

let heartbeat: Heartbeat;
let looks: LookCause[];
let atOnce: number;
let most: number;
let duration: number;

const start = (intervalMs: number): void => {
  heartbeat = createHeartbeat({
    intervalMs,
    now: Date.now,
    look: async (cause) => {
      looks.push(cause);
      atOnce += 1;
      most = Math.max(most, atOnce);
      await sleep(duration);
      atOnce -= 1;
      return { settled: Promise.resolve() };
    },
  });
};

beforeEach(() => {
  [looks, atOnce, most, duration] = [[], 0, 0, 5];
});
afterEach(() => heartbeat.stop());

describe('a heartbeat', () => {
  test('rests until its first beat, then beats by itself', async () => {
    start(10);
    await sleep(40);
    expect(looks).toEqual([]);
    heartbeat.beat();
    await sleep(200);
    expect(looks.length).toBeGreaterThan(2);
  });

  test('never looks twice at the same time, and once more for all that happened during a look', async () => {
    start(LONG_MS);
    duration = 30;
    heartbeat.beat();
    await sleep(5);
    for (let times = 0; times < 10; times++) heartbeat.beat();
    await sleep(120);
    expect([looks.length, most]).toEqual([2, 1]);
  });

  test('gives what was asked for during a look a look of its own', async () => {
    start(LONG_MS);
    heartbeat.beat();
    await Promise.all([heartbeat.lookNow(), heartbeat.lookNow()]);
    expect(looks).toEqual(['beat', 'asked', 'asked']);
    expect(most).toBe(1);
  });

  test('beats at a given time, sooner than by itself', async () => {
    start(LONG_MS);
    await heartbeat.lookNow();
    heartbeat.beatAt(Date.now() + LONG_MS);
    heartbeat.beatAt(Date.now() + 20);
    await sleep(80);
    expect(looks).toEqual(['asked', 'beat']);
  });

  test('does not beat at once for a time further away than a timer can wait', async () => {
    start(LONG_MS);
    heartbeat.beatAt(Date.now() + 40 * 24 * 3_600_000);
    await sleep(30);
    expect(looks).toEqual([]);
  });

  test('that is stopped ends its look and begins no other', async () => {
    start(1);
    heartbeat.beat();
    await sleep(2);
    heartbeat.beat();
    await heartbeat.stop();
    expect(atOnce).toBe(0);
    const before = looks.length;
    heartbeat.beat();
    heartbeat.beatAt(0);
    await (await heartbeat.lookNow()).settled;
    await sleep(20);
    expect(looks).toHaveLength(before);
  });
});
