import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  createTelemetry,
  type ReceiverChange,
  type Telemetry,
  type TelemetryOptions,
} from '../../agent/telemetry/index.ts';
import { startCollector } from '../world/collector.ts';
import { freePort } from '../world/program.ts';
import { makeTempDir } from '../world/temp-dir.ts';

const IDENTITY = { node: 'edge-1', version: '1.2.3', environment: null, batchDelayMs: 20 };

describe('telemetry and its receiver', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  const start = async (options: Partial<TelemetryOptions> & { readonly endpoint: string }): Promise<Telemetry> => {
    const telemetry = await createTelemetry({ ...IDENTITY, ...options });
    cleanUps.push(telemetry.shutdown);
    return telemetry;
  };

  const startReceiver = async (answer: (headers: IncomingHttpHeaders) => number): Promise<string> => {
    const server = createServer((request, response) => {
      const status = answer(request.headers);
      request.resume().on('end', () => response.writeHead(status).end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUps.push(() => closeServer(server));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  };

  test('down and up again: the work goes on, and what was said meanwhile arrives once', async () => {
    const port = await freePort();
    const first = await startCollector({ port });
    cleanUps.push(first.stop);
    const telemetry = await start({ endpoint: first.endpoint });
    say(telemetry, 'before');
    await first.waitFor(({ events }) => events.find(says('before')));
    await first.stop();

    say(telemetry, 'meanwhile');
    expect(await telemetry.span('holdfast.source.fetch', {}, async () => 'fetched')).toBe('fetched');
    await sleep(200);

    const second = await startCollector({ port });
    cleanUps.push(second.stop);
    say(telemetry, 'after');
    await second.waitFor(({ events }) => events.find(says('meanwhile')));
    await second.waitFor(({ events }) => events.find(says('after')));
    await second.waitFor(({ spans }) => spans.find(({ name }) => name === 'holdfast.source.fetch'));
    expect(second.events().filter(says('meanwhile'))).toHaveLength(1);
  });

  test('shutdown delivers what is waiting', async () => {
    const collector = await startCollector();
    cleanUps.push(collector.stop);
    const telemetry = await start({ endpoint: collector.endpoint, batchDelayMs: 60_000 });
    say(telemetry, 'last words');
    await telemetry.span('holdfast.plan', { 'vcs.ref.head.revision': 'c0ffee' }, async () => undefined);
    telemetry.set('holdfast.drift.resources', 1, {});
    await telemetry.shutdown();
    expect(collector.events().filter(says('last words'))).toHaveLength(1);
    expect(collector.spans()).toHaveLength(1);
    expect(collector.metrics()).toHaveLength(1);
  });

  test('refusing: a change to failing and one back are told, each once', async () => {
    let status = 401;
    const endpoint = await startReceiver(() => status);
    const changes: ReceiverChange[] = [];
    const telemetry = await start({ endpoint, onReceiverChange: (change) => changes.push(change) });
    for (status of [401, 401, 200, 200]) {
      say(telemetry, 'knock');
      await telemetry.flush();
    }
    expect(changes).toEqual([
      { signal: 'logs', state: 'failing', reason: 'Unauthorized' },
      { signal: 'logs', state: 'recovered', reason: '' },
    ]);
  });

  test('secret headers are sent with every signal, and OTEL_* variables change nothing', async () => {
    const received: IncomingHttpHeaders[] = [];
    const endpoint = await startReceiver((headers) => {
      received.push(headers);
      return 200;
    });
    const directory = await makeTempDir();
    cleanUps.push(directory.remove);
    const headersFile = join(directory.path, 'headers');
    await writeFile(headersFile, '# of the tenant\n\nAuthorization: Bearer s3cr3t\nX-Scope: fleet:one\n', {
      mode: 0o600,
    });
    const variables = {
      OTEL_SDK_DISABLED: 'true',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-stray=1,authorization=stolen',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other',
    };
    Object.assign(process.env, variables);
    cleanUps.push(async () => {
      for (const name of Object.keys(variables)) delete process.env[name];
    });
    const telemetry = await start({ endpoint, headersFile });
    say(telemetry, 'with headers');
    telemetry.set('holdfast.drift.resources', 1, {});
    await telemetry.span('holdfast.source.fetch', {}, async () => undefined);
    await telemetry.flush();
    expect(received).toHaveLength(3);
    for (const headers of received) {
      expect(headers).toMatchObject({
        authorization: 'Bearer s3cr3t',
        'x-scope': 'fleet:one',
        'content-type': 'application/x-protobuf',
        'content-encoding': 'gzip',
      });
      expect(headers).not.toHaveProperty('x-stray');
    }
    expect(process.env).toMatchObject(variables);
  });
});

function say(telemetry: Telemetry, what: string): void {
  telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: { 'holdfast.workload.name': what } });
}

function says(what: string) {
  return ({ attributes }: { readonly attributes: Readonly<Record<string, unknown>> }) =>
    attributes['holdfast.workload.name'] === what;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
