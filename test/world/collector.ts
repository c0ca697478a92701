import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Received, ReceivedEvent, ReceivedPoint, ReceivedSpan } from './otlp-decode.ts';
import { startOtlpSink } from './otlp-sink.ts';
import { freePort, startProgram } from './program.ts';
import { makeTempDir } from './temp-dir.ts';
import { toolPath } from './tools.ts';

/** A real OpenTelemetry Collector, and what it received so far. */
export interface Collector {
  /** Base address for OTLP/HTTP. */
  readonly endpoint: string;
  spans(): readonly ReceivedSpan[];
  /** Log records with an event name. */
  events(): readonly ReceivedEvent[];
  /** Data points; cumulative ones come again with every export. */
  metrics(): readonly ReceivedPoint[];
  /**
   * Waits until something was received.
   * @param find looks at all that was received; undefined, null or false mean not yet.
   * @returns what `find` returned.
   * @throws after `timeoutMs` (ten seconds unless given), with the names that did arrive.
   */
  waitFor<Found>(find: (received: Received) => Found | undefined | null | false, timeoutMs?: number): Promise<Found>;
  /** Ends the collector; what was received stays readable. */
  stop(): Promise<void>;
}

/** Starts a collector on loopback. It passes on at once: a client whose export succeeded finds it received. */
export async function startCollector(options: { readonly port?: number } = {}): Promise<Collector> {
  const command = toolPath('otelcol');
  const port = options.port ?? (await freePort());
  const sink = await startOtlpSink();
  const directory = await makeTempDir();
  const config = join(directory.path, 'config.json');
  await writeFile(config, JSON.stringify(collectorConfig(`127.0.0.1:${port}`, sink.endpoint)));
  const cleanUp = async (): Promise<void> => {
    await sink.stop();
    await directory.remove();
  };
  const program = await startProgram({ command, args: ['--config', config], port }).catch(async (error) => {
    await cleanUp();
    throw error;
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans: () => sink.received.spans,
    events: () => sink.received.events,
    metrics: () => sink.received.metrics,
    waitFor: (find, timeoutMs = 60_000) => waitFor(sink.received, find, timeoutMs),
    stop: async () => {
      await program.stop();
      await cleanUp();
    },
  };
}

/** Without queue and retry the answer to the client is the sink's answer. JSON is YAML. */
function collectorConfig(listen: string, sink: string): unknown {
  const pipeline = { receivers: ['otlp'], exporters: ['otlp_http'] };
  return {
    receivers: { otlp: { protocols: { http: { endpoint: listen } } } },
    exporters: {
      otlp_http: {
        endpoint: sink,
        encoding: 'json',
        compression: 'none',
        sending_queue: { enabled: false },
        retry_on_failure: { enabled: false },
      },
    },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
      pipelines: { traces: pipeline, metrics: pipeline, logs: pipeline },
    },
  };
}

async function waitFor<Found>(
  received: Received,
  find: (received: Received) => Found | undefined | null | false,
  timeoutMs: number,
): Promise<Found> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = find(received);
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not received within ${timeoutMs} ms; received: ${names(received)}`);
    await sleep(10);
  }
}

function names(received: Received): string {
  const all = [...received.spans, ...received.events, ...received.metrics].map(({ name }) => name);
  return [...new Set(all)].sort().join(', ') || 'nothing';
}
