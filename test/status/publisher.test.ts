import { beforeEach, expect, test } from '@jest/globals';
import type { StatusInput } from '../../agent/status/node-status.ts';
import { createStatusPublisher, type StatusPublisher } from '../../agent/status/publisher.ts';
import { reportStatus } from '../../agent/status/status-telemetry.ts';
import type { NodeStatus } from '../../manifests/index.ts';
import { condition, sampleStatus } from '../fakes/fake-agent.ts';
import { createRecordingTelemetry } from '../fakes/recording-telemetry.ts';

const INPUT: StatusInput = {
  node: 'n',
  version: '1',
  sync: { revision: null, refused: null, hasPolled: true, unreachable: null },
  snapshot: null,
  failure: null,
  context: { now: 0, settleMs: 0 },
};
const OTHER: StatusInput = { ...INPUT, sync: { ...INPUT.sync, hasPolled: false } };

let told: (readonly [NodeStatus, NodeStatus | null])[];
let kept: NodeStatus[];
let isFull: boolean;
let publisher: StatusPublisher;

beforeEach(() => {
  [told, kept, isFull] = [[], [], false];
  publisher = createStatusPublisher(INPUT, {
    onChange: (status, before) => told.push([status, before]),
    keep: async (status) => {
      if (isFull) throw new Error('no space left');
      kept.push(status);
    },
  });
});

const degraded = (): string | undefined =>
  publisher.current().conditions.find(({ type }) => type === 'Degraded')?.message;

test('a status is passed on when it says something new, with the one before', async () => {
  await publisher.publish(INPUT);
  await publisher.publish({ ...INPUT, context: { now: 5, settleMs: 0 } });
  expect([told.length, kept.length]).toEqual([1, 1]);
  expect(told[0]?.[1]).toBeNull();
  const first = publisher.current();
  await publisher.publish(OTHER);
  expect(told[1]).toEqual([publisher.current(), first]);
  expect(kept).toEqual([first, publisher.current()]);
});

test('a status that cannot be kept says so, is told once, and is kept when that works again', async () => {
  isFull = true;
  for (let look = 0; look < 5; look++) await publisher.publish(INPUT);
  expect(degraded()).toBe('cannot keep the status: no space left');
  expect(told).toHaveLength(2);
  isFull = false;
  await publisher.publish(INPUT);
  await publisher.publish(INPUT);
  expect(degraded()).toBe('the agent works as it should');
  expect(kept.at(-1)).toEqual(publisher.current());
  const before = kept.length;
  await publisher.publish(INPUT);
  expect(kept).toHaveLength(before);
});

test('telemetry shows every state and condition as a level, and each change of a workload as an event', () => {
  const telemetry = createRecordingTelemetry();
  const [workload] = sampleStatus().workloads;
  if (workload === undefined) throw new Error('no workload');
  const failed = { ...workload, state: 'Failed', message: 'it crashes' } as const;
  reportStatus(telemetry, sampleStatus({ conditions: [condition('Ready', 'False')] }), null);
  reportStatus(telemetry, sampleStatus({ workloads: [failed] }), sampleStatus());
  reportStatus(telemetry, sampleStatus({ workloads: [failed] }), sampleStatus({ workloads: [failed] }));
  const first = telemetry.points.slice(0, 7);
  expect(first.map(({ value, attributes }) => [...Object.values(attributes), value].join(' '))).toEqual([
    'Ready 1',
    'Progressing 0',
    'Blocked 0',
    'Failed 0',
    'Ready True 0',
    'Ready False 1',
    'Ready Unknown 0',
  ]);
  expect(telemetry.eventsNamed('holdfast.workload.state.changed').map(({ attributes }) => attributes)).toEqual([
    expect.objectContaining({ 'holdfast.workload.state': 'Ready', 'holdfast.workload.previous_state': undefined }),
    expect.objectContaining({
      'holdfast.workload.name': 'default/web',
      'holdfast.workload.state': 'Failed',
      'holdfast.workload.previous_state': 'Ready',
      'holdfast.failure.reason': 'it crashes',
    }),
  ]);
});
