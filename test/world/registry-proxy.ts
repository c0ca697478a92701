import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** What the proxy does to one answer; null passes it on as it is. */
export type Fault =
  | { readonly type: 'cut'; readonly afterBytes: number }
  | { readonly type: 'stall'; readonly afterBytes: number }
  | { readonly type: 'corrupt'; readonly atByte: number }
  | { readonly type: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly type: 'replace'; readonly body: Buffer }
  | { readonly type: 'ignore-range' }
  | { readonly type: 'redirect'; readonly to: string };

/** One request as the proxy saw it. */
export interface SeenRequest {
  readonly url: string;
  readonly method: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** A registry proxy that fails as told. */
export interface RegistryProxy {
  readonly host: string;
  /** Every request so far. */
  readonly seen: readonly SeenRequest[];
  stop(): Promise<void>;
}

/**
 * Starts a proxy before a registry.
 * @param misbehave asked for every request, in order; return null to let it pass.
 * @param port of the loopback; a free one unless given.
 */
export async function faultyRegistryProxy(
  upstream: string,
  misbehave: (request: SeenRequest, nth: number) => Fault | null,
  port = 0,
): Promise<RegistryProxy> {
  const seen: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const { authorization, range } = incoming.headers;
    const { url = '/', method = 'GET' } = incoming;
    const asked: SeenRequest = { url, method, authorization, range };
    seen.push(asked);
    answer(upstream, incoming, outgoing, misbehave(asked, seen.length));
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  return {
    host: `127.0.0.1:${address.port}`,
    seen,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(upstream: string, incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | null): void {
  if (fault?.type === 'status') {
    outgoing.writeHead(fault.status, fault.headers).end();
    return;
  }
  if (fault?.type === 'replace') {
    outgoing.writeHead(200, { 'content-length': fault.body.length }).end(fault.body);
    return;
  }
  if (fault?.type === 'redirect') {
    outgoing.writeHead(307, { location: fault.to }).end();
    return;
  }
  const headers = { ...incoming.headers };
  if (fault?.type === 'ignore-range') delete headers.range;
  const onward = request(`http://${upstream}${incoming.url}`, { method: incoming.method, headers }, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    let sent = 0;
    response.on('data', (chunk: Buffer) => {
      const start = sent;
      sent += chunk.length;
      passOn(outgoing, chunk, start, fault);
    });
    response.on('end', () => {
      if (fault?.type !== 'stall') outgoing.end();
    });
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}

function passOn(outgoing: ServerResponse, chunk: Buffer, start: number, fault: Fault | null): void {
  if (fault?.type === 'corrupt' && fault.atByte >= start && fault.atByte < start + chunk.length) {
    chunk.writeUInt8(chunk.readUInt8(fault.atByte - start) ^ 0xff, fault.atByte - start);
  }
  if (fault?.type !== 'cut' && fault?.type !== 'stall') {
    outgoing.write(chunk);
    return;
  }
  const left = Math.max(fault.afterBytes - start, 0);
  if (outgoing.destroyed) return;
  if (left < chunk.length && fault.type === 'cut') outgoing.write(chunk.subarray(0, left), () => outgoing.destroy());
  else if (left > 0) outgoing.write(chunk.subarray(0, left));
}
