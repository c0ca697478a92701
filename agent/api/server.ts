import { mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Agent } from '../loop/agent.ts';
import type { ManifestFile } from '../source/index.ts';
import { DEBUG_ROUTES } from './debug-route.ts';
import { type Handler, IMAGE_ROUTES } from './image-routes.ts';
import { readBody } from './read-body.ts';
import { VOLUME_ROUTES } from './volume-route.ts';

/** The agent's local API over a Unix socket that only root can open. */
export interface ApiServer {
  /** Answers for this agent from now on; for null, as before the first, every call is told to come again. */
  serve(agent: Agent | null): void;
  close(): Promise<void>;
}

/** Raised when another agent answers on the socket: two agents on one state would undo each other. */
export class AgentRunningError extends Error {
  readonly code = 'agent-running';

  constructor(path: string) {
    super(`another agent is running: it answers on ${path}; stop it first`);
    this.name = 'AgentRunningError';
  }
}

/** A previewed tree is never larger than one the source would accept, JSON included. */
const LARGEST_BODY = 32 * 1024 * 1024;

/** Every call: `METHOD path` and what it answers as JSON. */
const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /v1/status': (agent) => agent.status(),
  'GET /v1/plan': (agent) => agent.plan(),
  'POST /v1/preview': async (agent, request) => agent.preview(await readFiles(request)),
  'POST /v1/sync': (agent) => agent.sync(),
  ...IMAGE_ROUTES,
  ...DEBUG_ROUTES,
  ...VOLUME_ROUTES,
};

/**
 * Serves the local API, which also claims the node: one agent at a time listens on it. A socket left by one that died is
 * replaced.
 * @throws AgentRunningError when a living agent answers on the socket.
 */
export async function serveApi(path: string): Promise<ApiServer> {
  let served: Agent | null = null;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (await answers(path)) throw new AgentRunningError(path);
  await rm(path, { force: true });
  const server = createServer((request, response) => void respond(served, request, response));
  await listen(server, path);
  return {
    serve: (agent) => {
      served = agent;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(agent: Agent | null, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const handler = ROUTES[`${request.method} ${request.url}`];
  if (!handler) return send(response, 404, { code: 'not-found', message: `no call ${request.method} ${request.url}` });
  if (!agent) return send(response, 503, { code: 'not-ready', message: 'the agent starts or ends; try again soon' });
  try {
    send(response, 200, await handler(agent, request));
  } catch (error) {
    const { code, message } = Object(error) as { code?: string; message?: string };
    send(response, 503, { code: code ?? 'internal', message: message ?? String(error) });
  }
}

async function readFiles(request: IncomingMessage): Promise<readonly ManifestFile[]> {
  const text = await readBody(request, LARGEST_BODY, 'the manifests are larger than a commit may have');
  return JSON.parse(text) as readonly ManifestFile[];
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Nobody but root may ever connect, not even in the moment between the socket's birth and a chmod. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const umask = process.umask(0o177);
    server.once('error', reject);
    server.listen(path, resolve);
    process.umask(umask);
  });
}
