import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { HostTls } from './host-settings.ts';

/** How long to wait for a connection, and for the next bytes on one. */
export interface Patience {
  readonly connectMs: number;
  readonly idleMs: number;
}

/** One request. */
export interface HttpRequest {
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Requests over kept-alive connections. node:http is used since fetch costs the agent 7 MB more memory. */
export interface HttpClient {
  /** @returns the response's head, its body still unread. @throws the socket's error */
  send(request: HttpRequest): Promise<IncomingMessage>;
  /** Reads a body, chunk by chunk. @throws the socket's error, also when the body ends early or stalls */
  body(response: IncomingMessage): AsyncGenerator<Buffer>;
}

/** What a client needs besides its patience. */
export interface HttpOptions {
  readonly patience: Patience;
  /** Certificates by host. */
  readonly tls: ReadonlyMap<string, HostTls>;
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Makes a client whose idle connections do not keep the process alive. */
export function createHttpClient({ patience, tls, environment }: HttpOptions): HttpClient {
  const kept = { keepAlive: true, proxyEnv: environment };
  const http = new HttpAgent(kept);
  const https = new HttpsAgent(kept);
  const special = new Map([...tls].map(([host, settings]) => [host, new HttpsAgent({ ...kept, ...settings })]));
  return {
    send: ({ url, method = 'GET', headers, body }) =>
      new Promise((resolve, reject) => {
        const options = { method, headers: { 'user-agent': 'holdfast', 'accept-encoding': 'identity', ...headers } };
        const request =
          url.protocol === 'http:'
            ? requestHttp(url, { ...options, agent: http })
            : requestHttps(url, { ...options, agent: special.get(url.host) ?? https });
        const wait = (ms: number, what: string): NodeJS.Timeout =>
          setTimeout(() => request.destroy(new Error(`no ${what} from ${url.host} within ${ms} ms`)), ms);
        let timer = wait(patience.connectMs, 'connection');
        const awaitAnswer = (): void => {
          clearTimeout(timer);
          timer = wait(patience.idleMs, 'answer');
        };
        request.once('socket', (socket) => {
          if (!socket.connecting) awaitAnswer();
          else socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', awaitAnswer);
        });
        request.once('response', (response) => {
          clearTimeout(timer);
          resolve(response);
        });
        request.once('close', () => clearTimeout(timer));
        request.once('error', reject);
        request.end(body);
      }),
    body: (response) => readBody(response, patience.idleMs),
  };
}

/** The clock runs only while waiting for the network, not while the reader is busy with a chunk. */
async function* readBody(response: IncomingMessage, idleMs: number): AsyncGenerator<Buffer> {
  const chunks = response[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => response.destroy(new Error(`no data for ${idleMs} ms`)), idleMs);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    response.destroy();
  }
}
