import { describe, expect, test } from '@jest/globals';
import { createRecordingTelemetry } from '../fakes/recording-telemetry.ts';

describe('recording telemetry', () => {
  test('keeps spans with their parents, attributes and failures', async () => {
    const telemetry = createRecordingTelemetry();
    const plan = telemetry.span('holdfast.reconcile', { 'cicd.pipeline.action.name': 'SYNC' }, async (span) => {
      span.set({ 'vcs.ref.head.revision': 'c0ffee' });
      await telemetry.span('holdfast.step', { 'holdfast.step.kind': 'pull-image' }, async (step) => {
        step.fail({ code: 'digest-mismatch', reason: '' });
      });
      throw Object.assign(new Error('gone'), { code: 'unreachable' });
    });
    await expect(plan).rejects.toMatchObject({ code: 'unreachable' });
    const [reconcile, step] = telemetry.spans;
    expect(reconcile).toEqual({
      name: 'holdfast.reconcile',
      parent: null,
      attributes: { 'cicd.pipeline.action.name': 'SYNC', 'vcs.ref.head.revision': 'c0ffee' },
      failure: 'unreachable',
      ended: true,
    });
    expect(step).toMatchObject({ name: 'holdfast.step', failure: 'digest-mismatch', ended: true });
    expect(step?.parent).toBe(reconcile);
  });

  test('keeps events and points', () => {
    const telemetry = createRecordingTelemetry();
    telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: { 'holdfast.workload.name': 'shop/api' } });
    telemetry.emit({
      name: 'holdfast.drift.corrected',
      attributes: { 'holdfast.drift.field': 'container' },
    });
    telemetry.set('holdfast.drift.resources', 2, {});
    expect(telemetry.eventsNamed('holdfast.drift.corrected')).toEqual([telemetry.events[1]]);
    expect(telemetry.points).toEqual([{ name: 'holdfast.drift.resources', value: 2, attributes: {} }]);
  });
});
