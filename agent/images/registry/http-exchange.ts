import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';

/** How long to wait for a connection, and for the next bytes on one. */
export interface Patience {
  readonly connectMs: number;
  readonly idleMs: number;
}

/** Plain GETs over kept-alive connections. node:http is used since fetch costs the agent 7 MB more memory. */
export interface HttpClient {
  /** @returns the response's head, its body still unread. @throws the socket's error */
  get(url: URL, headers: Readonly<Record<string, string>>): Promise<IncomingMessage>;
  /** Reads a body, chunk by chunk. @throws the socket's error, also when the body ends early or stalls */
  body(response: IncomingMessage): AsyncGenerator<Buffer>;
}

/** Makes a client whose idle connections do not keep the process alive. */
export function createHttpClient(patience: Patience): HttpClient {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });
  return {
    get: (url, headers) =>
      new Promise((resolve, reject) => {
        const options = { headers: { 'user-agent': 'holdfast', 'accept-encoding': 'identity', ...headers } };
        const request =
          url.protocol === 'http:'
            ? requestHttp(url, { ...options, agent: http })
            : requestHttps(url, { ...options, agent: https });
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
        request.end();
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
