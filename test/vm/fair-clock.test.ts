import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startProgram } from '../world/program.ts';
import { createFairClock, waitsOf } from './fair-clock.ts';

/** What the clock shows at each moment, of which the first is its beginning. */
function shownAt(moments: readonly { readonly at: number; readonly waits: Readonly<Record<string, number>> }[]) {
  let current = moments[0] ?? { at: 0, waits: {} };
  const clock = createFairClock({ elapsed: () => current.at, waits: () => new Map(Object.entries(current.waits)) });
  return moments.slice(1).map((moment) => {
    current = moment;
    return clock.now();
  });
}

test.each([
  [
    'goes as others do for a program that waits for nothing',
    [
      [1_000, { a: 5 }],
      [1_400, { a: 5 }],
      [1_500, { a: 5 }],
    ],
    [400, 500],
  ],
  [
    'stands still while others have the processor',
    [
      [0, { a: 0 }],
      [1_000, { a: 900 }],
      [1_100, { a: 950 }],
    ],
    [100, 150],
  ],
  [
    'goes by the thread that waited longest',
    [
      [0, { a: 0, b: 7 }],
      [100, { a: 30, b: 17 }],
    ],
    [70],
  ],
  [
    'counts all that a new thread has waited',
    [
      [0, { a: 0 }],
      [100, { a: 0, b: 60 }],
    ],
    [40],
  ],
  [
    'makes up for a wait it is told of late',
    [
      [0, { a: 0 }],
      [600, { a: 0 }],
      [1_000, { a: 900 }],
      [1_600, { a: 900 }],
    ],
    [600, 600, 700],
  ],
  [
    'goes as others do once the program is gone',
    [
      [0, { a: 0 }],
      [100, { a: 40 }],
      [300, {}],
    ],
    [60, 260],
  ],
] as const)('%s', (_name, moments, shown) => {
  expect(shownAt(moments.map(([at, waits]) => ({ at, waits })))).toEqual(shown);
});

test('the kernel tells how long a program has waited', async () => {
  const busy = { command: 'taskset', args: ['-c', '0', 'busybox', 'sh', '-c', 'while :; do :; done'] };
  const programs = [await startProgram(busy), await startProgram(busy)];
  try {
    while (programs.some(({ pid }) => (waitsOf(pid).get(String(pid)) ?? 0) < 50)) await sleep(20);
  } finally {
    await Promise.all(programs.map((program) => program.kill()));
  }
  expect(programs.map(({ pid }) => waitsOf(pid).size)).toEqual([0, 0]);
});
