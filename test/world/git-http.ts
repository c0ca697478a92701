import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What a client must send. */
export interface HttpAuth {
  readonly username: string;
  readonly password: string;
}

/** Git's own smart HTTP server behind node:http, on loopback. */
export interface HttpGit {
  readonly port: number;
  traffic(): { readonly receivedBytes: number; readonly sentBytes: number };
  stop(): Promise<void>;
}

/** Serves every repository below `root` for reading with `git http-backend` (git-http-backend(1), CGI of RFC 3875). */
export async function startHttpGit(options: { readonly root: string; readonly auth?: HttpAuth }): Promise<HttpGit> {
  const sockets = new Set<Socket>();
  const backends = new Set<ChildProcess>();
  const closed = { receivedBytes: 0, sentBytes: 0 };
  const server = createServer((request, response) => {
    if (options.auth && !isAuthorized(request, options.auth)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const backend = answer(options.root, request, response);
    backends.add(backend);
    backend.once('close', () => backends.delete(backend));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      closed.receivedBytes += socket.bytesRead;
      closed.sentBytes += socket.bytesWritten;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    traffic: () => ({
      receivedBytes: [...sockets].reduce((sum, socket) => sum + socket.bytesRead, closed.receivedBytes),
      sentBytes: [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, closed.sentBytes),
    }),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await Promise.all([...backends].map(endBackend));
    },
  };
}

function isAuthorized(request: IncomingMessage, auth: HttpAuth): boolean {
  const expected = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
  return request.headers.authorization === `Basic ${expected}`;
}

function answer(root: string, request: IncomingMessage, response: ServerResponse): ChildProcess {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const header = (name: string): string => String(request.headers[name] ?? '');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROJECT_ROOT: root,
      GIT_PROTOCOL: header('git-protocol'),
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header('content-type'),
      CONTENT_LENGTH: header('content-length'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => request.unpipe());
  request.pipe(backend.stdin);
  forward(backend, response);
  response.once('close', () => backend.kill());
  return backend;
}

/** A CGI answer is headers, an empty line and the body; the status is a header of its own (RFC 3875, 6.3). */
function forward(backend: ChildProcess, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    backend.stdout?.off('data', onHead);
    for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
    backend.stdout?.pipe(response);
  };
  backend.stdout?.on('data', onHead);
  backend.once('close', () => response.end());
}

async function endBackend(backend: ChildProcess): Promise<void> {
  if (backend.exitCode !== null || backend.signalCode !== null) return;
  const gone = once(backend, 'exit');
  backend.kill('SIGKILL');
  await gone;
}
