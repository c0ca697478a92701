import { expect, test } from '@jest/globals';
import { createLimitReporter } from '../../agent/loop/limit-reporter.ts';
import type { LimitEvent } from '../../native/index.ts';
import { createRecordingTelemetry } from '../fakes/recording-telemetry.ts';

test('a spell of one limit is told once, a kill for want of memory each time', () => {
  const telemetry = createRecordingTelemetry();
  let time = 0;
  const report = createLimitReporter({
    telemetry,
    now: () => time,
    workloadOf: (id) => (id === 'pod' ? 'default/web' : undefined),
  });
  const told = (kind: LimitEvent['kind'], count = 1, sandboxId = 'pod'): readonly unknown[] => {
    const before = telemetry.events.length;
    report([{ sandboxId, name: 'app', kind, count }]);
    return telemetry.events.slice(before);
  };
  const attributes = { 'holdfast.workload.name': 'default/web', 'container.id': 'pod/app' };
  expect(told('cpu-throttled', 9)).toEqual([
    {
      name: 'holdfast.workload.limit.reached',
      attributes: { ...attributes, 'holdfast.limit.kind': 'cpu-throttled', 'holdfast.limit.count': 9 },
    },
  ]);
  time = 50_000;
  expect(told('cpu-throttled')).toEqual([]);
  expect(told('pids-max')).toHaveLength(1);
  expect(told('oom-kill')).toHaveLength(1);
  expect(told('oom-kill')).toHaveLength(1);
  expect(told('memory-max', 1, 'of-nobody')).toEqual([]);
  time = 100_000;
  expect(told('cpu-throttled')).toEqual([]);
  time = 160_001;
  expect(told('cpu-throttled')).toHaveLength(1);
});
