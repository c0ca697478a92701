import { request } from 'node:http';
import type { NodeStatus } from '../../manifests/index.ts';
import type { Debugging, DebugRequest } from '../debug/request.ts';
import type { ImageAdmin, PullProgress } from '../images/index.ts';
import type { Discarded, VolumeName } from '../loop/discard-volume.ts';
import type { Preview } from '../loop/preview.ts';
import type { Plan } from '../reconcile/plan.ts';
import type { ManifestFile } from '../source/index.ts';

/** A call the agent did not answer. `not-running` when nobody listens on the socket. */
export class ApiError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ApiError';
    this.code = code;
  }
}

/** Calls of the agent's local API. Each throws {@link ApiError}. */
export interface ApiClient {
  status(): Promise<NodeStatus>;
  plan(): Promise<Plan | null>;
  preview(files: readonly ManifestFile[]): Promise<Preview>;
  sync(): Promise<NodeStatus>;
  debug(request: DebugRequest): Promise<Debugging>;
  discardVolume(volume: VolumeName): Promise<Discarded>;
  readonly images: ImageApi;
}

/** The agent's image store, as its own administration has it, over the socket. */
export type ImageApi = Omit<ImageAdmin, 'pulls' | 'fetchedBytes'> & {
  pulls(): Promise<readonly PullProgress[]>;
};

/** @param socketPath where the agent listens. */
export function createApiClient(socketPath: string): ApiClient {
  const call = <Answer>(method: string, path: string, body?: string): Promise<Answer> =>
    ask<Answer>({ socketPath, method, path }, body);
  return {
    status: () => call('GET', '/v1/status'),
    plan: () => call('GET', '/v1/plan'),
    preview: (files) => call('POST', '/v1/preview', JSON.stringify(files)),
    sync: () => call('POST', '/v1/sync'),
    debug: (request) => call('POST', '/v1/debug', JSON.stringify(request)),
    discardVolume: (volume) => call('POST', '/v1/volumes/discard', JSON.stringify(volume)),
    images: {
      list: () => call('GET', '/v1/images'),
      pulls: () => call('GET', '/v1/pulls'),
      inspect: (name) => call('POST', '/v1/images/inspect', JSON.stringify({ name })),
      fetch: (reference, from) => call('POST', '/v1/images/fetch', JSON.stringify({ reference, from })),
      discard: async (name) => void (await call('POST', '/v1/images/discard', JSON.stringify({ name }))),
      verify: (name, repair) => call('POST', '/v1/images/verify', JSON.stringify({ name, repair })),
      prune: (mode) => call('POST', '/v1/images/prune', JSON.stringify({ mode })),
    },
  };
}

function ask<Answer>(
  options: { readonly socketPath: string; readonly method: string; readonly path: string },
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', (cause) =>
        reject(new ApiError('interrupted', 'the agent ended in the middle of its answer', cause)),
      );
      response.on('end', () => {
        const answer = parse<Answer & { code?: string; message?: string }>(text);
        if (answer === undefined) reject(new ApiError('internal', `who listens on ${options.socketPath} is no agent`));
        else if (response.statusCode === 200) resolve(answer);
        else reject(new ApiError(answer?.code ?? 'internal', answer?.message ?? text));
      });
    });
    outgoing.on('error', (cause: NodeJS.ErrnoException) => {
      const isDown = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED';
      reject(
        new ApiError(
          isDown ? 'not-running' : 'unreachable',
          isDown ? 'the agent is not running' : `cannot reach the agent: ${cause.message}`,
          cause,
        ),
      );
    });
    outgoing.end(body);
  });
}

function parse<Answer>(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}
