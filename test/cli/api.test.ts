import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ApiClient, type ApiError, createApiClient } from '../../agent/api/client.ts';
import { type ApiServer, serveApi } from '../../agent/api/server.ts';
import type { ManifestFile } from '../../agent/source/index.ts';
import { fakeAgent, sampleStatus } from '../fakes/fake-agent.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;
let path: string;
let client: ApiClient;
let ends: (() => Promise<unknown>)[];

beforeEach(async () => {
  directory = await makeTempDir();
  path = join(directory.path, 'run', 'agent.sock');
  client = createApiClient(path);
  ends = [];
});
afterEach(async () => {
  for (const end of ends) await end();
  await directory.remove();
});

const serve = async (): Promise<ApiServer> => {
  const api = await serveApi(path);
  ends.push(() => api.close());
  return api;
};
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: ApiError) => error.code,
  );

describe('the local API', () => {
  test('is open to its owner only, and its directory too', async () => {
    await serve();
    const modes = await Promise.all(
      [path, join(directory.path, 'run')].map(async (at) => (await stat(at)).mode & 0o777),
    );
    expect(modes).toEqual([0o600, 0o700]);
  });

  test('leaves the umask as it was', async () => {
    const before = process.umask();
    await serve();
    expect(process.umask()).toBe(before);
  });

  test('answers every call of the client', async () => {
    const api = await serve();
    const seen: (readonly ManifestFile[])[] = [];
    const plan = { revision: 'r', steps: [], unchanged: [], blocked: [], waiting: [] };
    api.serve(
      fakeAgent({
        sync: async () => sampleStatus({ node: 'synced' }),
        plan: () => plan,
        preview: async (files) => {
          seen.push(files);
          return { ok: true, plan };
        },
      }),
    );
    const files = [{ path: 'a.yaml', text: 'ä'.repeat(100_000) }];
    expect(await client.status()).toEqual(sampleStatus());
    expect((await client.sync()).node).toBe('synced');
    expect(await client.plan()).toEqual(plan);
    expect(await client.preview(files)).toEqual({ ok: true, plan });
    expect(seen).toEqual([files]);
  });

  test('passes on the code and the message of a failure', async () => {
    const failure = Object.assign(new Error('no route to the server'), { code: 'unreachable' });
    (await serve()).serve(fakeAgent({ sync: () => Promise.reject(failure) }));
    await expect(client.sync()).rejects.toEqual(
      expect.objectContaining({ name: 'ApiError', code: 'unreachable', message: 'no route to the server' }),
    );
  });

  test('says so while there is no agent to answer, before and after', async () => {
    const api = await serve();
    expect(await codeOf(client.status())).toBe('not-ready');
    api.serve(fakeAgent());
    expect(await codeOf(client.status())).toBe('answered');
    api.serve(null);
    expect(await codeOf(client.status())).toBe('not-ready');
  });

  test.each([
    ['GET', '/', 404, ''],
    ['DELETE', '/v1/status', 404, ''],
    ['POST', '/v1/preview', 503, 'not JSON'],
    ['POST', '/v1/preview', 503, ' '.repeat(33 * 1024 * 1024)],
  ])('refuses %s %s with %i and goes on', async (method, url, status, body) => {
    (await serve()).serve(fakeAgent());
    expect(await raw(method, url, body)).toBe(status);
    expect(await codeOf(client.status())).toBe('answered');
  });
});

/** @returns the status of the answer. */
function raw(method: string, url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: path, method, path: url }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

describe('one agent at a time', () => {
  test('has the node: a second one is refused', async () => {
    await serve();
    await expect(serveApi(path)).rejects.toEqual(expect.objectContaining({ code: 'agent-running' }));
    expect(await codeOf(client.status())).toBe('not-ready');
  });

  test('may have died: its socket is replaced', async () => {
    await mkdir(join(directory.path, 'run'));
    await writeFile(path, '');
    (await serve()).serve(fakeAgent());
    expect(await codeOf(client.status())).toBe('answered');
  });

  test('lets go of it when it ends', async () => {
    await (await serveApi(path)).close();
    expect(await codeOf(client.status())).toBe('not-running');
    (await serve()).serve(fakeAgent());
    expect(await codeOf(client.status())).toBe('answered');
  });
});

describe('the client finds', () => {
  const listen = async (server: ReturnType<typeof createSocket>): Promise<void> => {
    await mkdir(join(directory.path, 'run'));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    ends.push(() => new Promise((resolve) => server.close(resolve)));
  };

  test('nobody', async () => {
    expect(await codeOf(client.status())).toBe('not-running');
  });

  test('somebody who is no agent', async () => {
    await listen(createServer((_request, response) => response.end('<html>')));
    expect(await codeOf(client.status())).toBe('internal');
  });

  test('an agent that dies before its answer', async () => {
    await listen(createSocket((socket) => socket.destroy()));
    expect(await codeOf(client.status())).toBe('unreachable');
  });

  test('an agent that dies in the middle of its answer', async () => {
    await listen(
      createSocket((socket) => {
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"node":'));
      }),
    );
    expect(await codeOf(client.status())).toBe('interrupted');
  });
});
