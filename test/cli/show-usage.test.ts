import { describe, expect, test } from '@jest/globals';
import { loadsBetween, showUsage } from '../../agent/cli/show-usage.ts';
import type { ContainerStats } from '../../native/index.ts';
import { FakeNode } from '../fakes/fake-node.ts';

const node = new FakeNode({ now: () => 1_000 });

function reading(name: string, at: number, totalMicros: number, changes: Partial<ContainerStats> = {}): ContainerStats {
  const stats = node.stats({ sandboxId: 'pod', name });
  return { ...stats, ...changes, at, cpu: { ...stats.cpu, totalMicros } };
}

describe('the load between two readings', () => {
  test('is the CPU time used in the time that passed', () => {
    const loads = loadsBetween([reading('a', 1_000, 5_000)], [reading('a', 1_500, 130_000)]);
    expect(loads).toMatchObject([{ name: 'a', cpuMillis: 250, cpu: { totalMicros: 130_000 } }]);
  });

  test('is not told of what was not there before, is gone, or was started anew', () => {
    const before = [reading('gone', 1_000, 5), reading('anew', 1_000, 5_000)];
    expect(loadsBetween(before, [reading('new', 1_500, 9), reading('anew', 1_500, 100)])).toEqual([]);
  });
});

test('usage is shown busiest first, in units people read', () => {
  const before = [reading('idle', 0, 0), reading('busy', 0, 0)];
  const { memory } = reading('busy', 0, 0);
  const pressure = { cpu: null, memory: null, io: null };
  const after = [
    reading('idle', 1_000, 1_000),
    reading('busy', 1_000, 2_000_000, { memory: { ...memory, workingSetBytes: 3.5 * 2 ** 20 }, io: null, pressure }),
  ];
  expect(showUsage(loadsBetween(before, after))).toBe(
    [
      'POD  CONTAINER  CPU    MEMORY  SWAP  PIDS  READ  WRITTEN  THROTTLED  LIMIT-HITS  OOM-KILLS  CPU-WAIT  MEM-WAIT  IO-WAIT',
      'pod  busy       2000m  3.5MiB  0B    1     -     -        0%         0           0          -         -         -',
      'pod  idle       1m     8.0KiB  0B    1     0B    0B       0%         0           0          0%        0%        0%',
      '',
    ].join('\n'),
  );
});
