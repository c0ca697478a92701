import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type Program, startProgram } from '../world/program.ts';
import { createFairClock } from './fair-clock.ts';

/** Keeps the first processor busy at the lowest priority, or at an ordinary one. */
const busy = (nice: string): Promise<Program> =>
  startProgram({
    command: 'nice',
    args: ['-n', nice, 'taskset', '-c', '0', 'busybox', 'sh', '-c', 'while :; do :; done'],
  });

test('stands still while others have the processor', async () => {
  const [patient, greedy] = [await busy('19'), await busy('0')];
  try {
    const clock = createFairClock(patient.pid);
    const startedAt = performance.now();
    await sleep(1_000);
    const wall = performance.now() - startedAt;
    expect(clock.now()).toBeLessThan(wall / 2);
  } finally {
    await Promise.all([patient.kill(), greedy.kill()]);
  }
});

test('goes as others do for a process that waits for nothing, and for one that is gone', async () => {
  const program = await startProgram({ command: 'sleep', args: ['1000'] });
  const clock = createFairClock(program.pid);
  await sleep(100);
  const asleep = clock.now();
  await program.kill();
  await sleep(100);
  const gone = clock.now();
  expect(asleep).toBeGreaterThan(50);
  expect(gone - asleep).toBeGreaterThan(50);
});
