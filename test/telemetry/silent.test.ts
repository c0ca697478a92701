import { describe, expect, test } from '@jest/globals';
import { runAgentProcess } from './agent-process.ts';

/** Starts telemetry in a Node of its own, uses all of it, and tells which modules that loaded. */
async function loadedModules(endpoint: string | null): Promise<readonly string[]> {
  const loaded = await runAgentProcess({
    before: `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    `,
    main: `
      const endpoint = ${JSON.stringify(endpoint)};
      const telemetry = await createTelemetry({ endpoint, node: 'n', version: '1', environment: null });
      const result = await telemetry.span('holdfast.source.fetch', {}, async (span) => {
        span.set({ 'holdfast.source.outcome': 'changed' });
        span.fail({ code: 'unreachable', reason: '' });
        telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: {} });
        telemetry.add('holdfast.drift.detections', 1, { 'holdfast.drift.field': 'container' });
        telemetry.set('holdfast.drift.resources', 1, {});
        telemetry.record('holdfast.source.fetch.duration', 1, { 'holdfast.source.outcome': 'changed' });
        return 'fetched';
      });
      if (result !== 'fetched') throw new Error(result);
      if (endpoint === null) await Promise.all([telemetry.flush(), telemetry.shutdown()]);
      console.log(JSON.stringify(loaded));
      process.exit();
    `,
  });
  return loaded as readonly string[];
}

describe('telemetry without a receiver', () => {
  const isOfSdk = (url: string): boolean => url.includes('/node_modules/') || /otlp-sdk|node:https?$/.test(url);

  test('loads neither the SDK nor an HTTP client and still runs the work', async () => {
    const loaded = await loadedModules(null);
    expect(loaded.some((url) => url.endsWith('create-telemetry.ts'))).toBe(true);
    expect(loaded.filter(isOfSdk)).toEqual([]);
  });

  test('with a receiver the same probe sees the SDK', async () => {
    const loaded = await loadedModules('http://127.0.0.1:9');
    expect(loaded.filter(isOfSdk).length).toBeGreaterThan(10);
  });
});
