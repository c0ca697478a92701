import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { decodeLogs, decodeMetrics, decodeTraces, type Received } from './otlp-decode.ts';

/** The end of the line: keeps what a collector sends on as OTLP/JSON. */
export interface OtlpSink {
  /** Base address to export to. */
  readonly endpoint: string;
  readonly received: Received;
  stop(): Promise<void>;
}

/** Starts a sink on a free loopback port. `received` grows as exports come in. */
export async function startOtlpSink(): Promise<OtlpSink> {
  const received = { spans: [], events: [], metrics: [] } as { [Kind in keyof Received]: Received[Kind][number][] };
  const server = createServer(async (request, response) => {
    const body = await json(request);
    if (request.url === '/v1/traces') received.spans.push(...decodeTraces(body));
    else if (request.url === '/v1/logs') received.events.push(...decodeLogs(body));
    else if (request.url === '/v1/metrics') received.metrics.push(...decodeMetrics(body));
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
