import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTelemetry, registry, type Telemetry } from '../../agent/telemetry/index.ts';
import { type Collector, startCollector } from '../world/collector.ts';
import { emitEverything } from './everything.ts';

describe('telemetry, as a real collector receives it', () => {
  let collector: Collector;
  let telemetry: Telemetry;

  beforeAll(async () => {
    collector = await startCollector();
    telemetry = await createTelemetry({
      endpoint: collector.endpoint,
      node: 'edge-1',
      version: '1.2.3',
      environment: 'staging',
      batchDelayMs: 20,
    });
    await emitEverything(telemetry);
    await telemetry.flush();
  });
  afterAll(async () => {
    await telemetry.shutdown();
    await collector.stop();
  });

  test('every registered span, event and metric arrives, and no other name does', () => {
    const names = (list: readonly { readonly name: string }[]) => [...new Set(list.map(({ name }) => name))].sort();
    expect(names(collector.spans())).toEqual(Object.keys(registry.spans).sort());
    expect(names(collector.events())).toEqual(Object.keys(registry.events).sort());
    expect(names(collector.metrics())).toEqual(Object.keys(registry.metrics).sort());
  });

  test('each arrives with exactly its registered attributes, severity, unit and description', () => {
    for (const span of collector.spans()) {
      const { attributes } = registry.spans[span.name as keyof typeof registry.spans];
      expect([span.name, Object.keys(span.attributes).sort()]).toEqual([span.name, Object.keys(attributes).sort()]);
    }
    for (const event of collector.events()) {
      const { severity, brief, attributes } = registry.events[event.name as keyof typeof registry.events];
      expect(event).toMatchObject({
        severity,
        body: brief,
        severityNumber: { INFO: 9, WARN: 13, ERROR: 17 }[severity],
      });
      expect([event.name, Object.keys(event.attributes).sort()]).toEqual([event.name, Object.keys(attributes).sort()]);
      expect(Math.abs(event.at - Date.now())).toBeLessThan(60_000);
    }
    for (const point of collector.metrics()) {
      const { instrument, unit, brief, attributes } = registry.metrics[point.name as keyof typeof registry.metrics];
      expect(point).toMatchObject({ instrument, unit, description: brief });
      expect([point.name, Object.keys(point.attributes).sort()]).toEqual([point.name, Object.keys(attributes).sort()]);
    }
  });

  test('the resource says which agent on which host', () => {
    const everything = [...collector.spans(), ...collector.events(), ...collector.metrics()];
    const resource = {
      'service.name': 'holdfast-agent',
      'service.version': '1.2.3',
      'service.instance.id': 'edge-1',
      'host.name': hostname(),
      // A minimal Debian has no machine id; the attribute is then left out.
      ...(existsSync('/etc/machine-id') ? { 'host.id': readFileSync('/etc/machine-id', 'utf8').trim() } : {}),
      'os.type': 'linux',
      'deployment.environment.name': 'staging',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.version': expect.any(String),
    };
    expect(everything.length).toBeGreaterThan(30);
    for (const one of everything) expect(one).toMatchObject({ scope: 'holdfast-agent', resource });
    for (const one of everything) expect(Object.keys(one.resource).sort()).toEqual(Object.keys(resource).sort());
  });

  test('spans nest across awaits, also when two runs interleave, and an event belongs to the span around it', async () => {
    const commits = ['1'.repeat(40), '2'.repeat(40)];
    await Promise.all(
      commits.map((commit) =>
        telemetry.span('holdfast.reconcile', { 'cicd.pipeline.action.name': 'SYNC' }, async (reconcile) => {
          reconcile.set({ 'vcs.ref.head.revision': commit });
          await new Promise((resolve) => setTimeout(resolve, 5));
          await telemetry.span('holdfast.plan', { 'vcs.ref.head.revision': commit }, async () => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            telemetry.emit({
              name: 'holdfast.drift.detected',
              attributes: {
                'holdfast.drift.field': 'container',
                'holdfast.drift.action': 'healed',
                'vcs.ref.head.revision': commit,
              },
            });
          });
        }),
      ),
    );
    await telemetry.flush();
    for (const commit of commits) {
      const of = ({ attributes }: { readonly attributes: Readonly<Record<string, unknown>> }) =>
        attributes['vcs.ref.head.revision'] === commit;
      const [plan, reconcile] = collector.spans().filter(of);
      const [event] = collector.events().filter(of);
      expect(reconcile).toMatchObject({ name: 'holdfast.reconcile', parentSpanId: '' });
      expect(plan).toMatchObject({ name: 'holdfast.plan', parentSpanId: reconcile?.spanId });
      expect(plan?.traceId).toBe(reconcile?.traceId);
      expect(event).toMatchObject({ traceId: plan?.traceId, spanId: plan?.spanId });
    }
    expect(new Set(collector.spans().map(({ traceId }) => traceId)).size).toBeGreaterThan(1);
  });

  test('a thrown error is recorded on its span and thrown on unchanged', async () => {
    const error = Object.assign(new Error('no route to the remote'), { code: 'unreachable' });
    const failing = telemetry.span('holdfast.source.fetch', {}, () => Promise.reject(error));
    await expect(failing).rejects.toBe(error);
    await telemetry.flush();
    const span = collector.spans().find(({ status }) => status.message === 'no route to the remote');
    expect(span).toMatchObject({
      name: 'holdfast.source.fetch',
      status: { code: 'error' },
      attributes: { 'error.type': 'unreachable' },
      events: [
        {
          name: 'exception',
          attributes: {
            'exception.type': 'unreachable',
            'exception.message': 'no route to the remote',
            'exception.stacktrace': expect.stringContaining('delivery.test.ts'),
          },
        },
      ],
    });
  });

  test('a thrown value that is no error is recorded too', async () => {
    const failing = telemetry.span('holdfast.source.fetch', {}, () => Promise.reject('just text'));
    await expect(failing).rejects.toBe('just text');
    await telemetry.flush();
    expect(collector.spans().find(({ status }) => status.message === 'just text')).toMatchObject({
      status: { code: 'error' },
      attributes: { 'error.type': 'unknown' },
    });
  });

  test('a failure that is a value marks its span without an exception', async () => {
    const result = await telemetry.span('holdfast.step', { 'holdfast.step.kind': 'pull-image' }, async (span) => {
      span.set({ 'holdfast.step.outcome': 'failed' });
      span.fail({ code: 'digest-mismatch', reason: 'the layer is not what the manifest says' });
      return 'value';
    });
    expect(result).toBe('value');
    await telemetry.flush();
    expect(collector.spans().find(({ attributes }) => attributes['error.type'] === 'digest-mismatch')).toMatchObject({
      status: { code: 'error', message: 'the layer is not what the manifest says' },
      attributes: { 'holdfast.step.outcome': 'failed' },
      events: [],
    });
  });

  test('counters add up, gauges show the last value, histograms use the registered buckets', async () => {
    telemetry.add('holdfast.workload.restarts', 2, { 'holdfast.workload.name': 'shop/api' });
    telemetry.add('holdfast.workload.restarts', 3, { 'holdfast.workload.name': 'shop/api' });
    telemetry.set('holdfast.drift.resources', 7, {});
    telemetry.set('holdfast.drift.resources', 4, {});
    telemetry.record('holdfast.source.fetch.duration', 0.25, { 'holdfast.source.outcome': 'failed' });
    telemetry.record('holdfast.source.fetch.duration', 0.5, { 'holdfast.source.outcome': 'failed' });
    await telemetry.flush();
    const last = (name: string, attributes: object) =>
      collector
        .metrics()
        .findLast(
          (point) => point.name === name && expect.objectContaining(attributes).asymmetricMatch(point.attributes),
        );
    expect(last('holdfast.workload.restarts', { 'holdfast.workload.name': 'shop/api' })?.value).toBe(5);
    expect(last('holdfast.drift.resources', {})?.value).toBe(4);
    expect(last('holdfast.source.fetch.duration', { 'holdfast.source.outcome': 'failed' })).toMatchObject({
      value: 0.75,
      count: 2,
      bounds: registry.metrics['holdfast.source.fetch.duration'].buckets,
    });
  });

  test('an undefined attribute is left out, and a long text is cut', async () => {
    telemetry.emit({
      name: 'holdfast.reconcile.recovered',
      attributes: { 'holdfast.workload.name': 'x'.repeat(9_000), 'vcs.ref.head.revision': undefined },
    });
    await telemetry.flush();
    const event = collector.events().findLast(({ name }) => name === 'holdfast.reconcile.recovered');
    expect(event?.attributes).toEqual({ 'holdfast.workload.name': 'x'.repeat(2_048) });
  });

  test('without being asked, events are sent within the batch delay', async () => {
    telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: { 'holdfast.workload.name': 'unasked' } });
    await collector.waitFor(({ events }) =>
      events.find(({ attributes }) => attributes['holdfast.workload.name'] === 'unasked'),
    );
  });

  test('a second telemetry in the process is refused while the first runs', async () => {
    const second = createTelemetry({ endpoint: collector.endpoint, node: 'n', version: '1', environment: null });
    await expect(second).rejects.toMatchObject({ code: 'already-started' });
  });
});
