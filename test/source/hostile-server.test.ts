import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { rejection, type SourceWorld, startSourceWorld } from './source-world.ts';

const TOKEN = `token-${randomBytes(8).toString('hex')}`;
let world: SourceWorld;
beforeAll(async () => {
  world = await startSourceWorld();
});
afterAll(() => world.stop());

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

test('a token is in no command line and no environment while git uses it', async () => {
  const silent = await startSilentServer();
  const { source } = await world.repository();
  const tokenFile = await world.secretFile('token', TOKEN);
  const polled = await source({ url: silent.url, auth: { tokenFile }, limits: { timeoutMs: 20_000 } });
  const poll = rejection(polled.poll());
  await silent.received;
  const processes = await processesWith(silent.url);
  expect(processes.length).toBeGreaterThanOrEqual(2);
  expect(processes.filter((text) => text.includes(TOKEN))).toEqual([]);
  silent.close();
  const error = await poll;
  expect(error.code).toBe('unreachable');
  expect(error.message).not.toContain(TOKEN);
});

test('a server that never answers is given up, and nothing stays behind', async () => {
  const silent = await startSilentServer();
  const { source } = await world.repository();
  const tokenFile = await world.secretFile('token', TOKEN);
  const polled = await source({ url: silent.url, auth: { tokenFile }, limits: { timeoutMs: 500 } });
  expect((await rejection(polled.poll())).code).toBe('unreachable');
  // A killed process is listed until it is reaped.
  for (let wait = 0; wait < 100 && (await processesWith(silent.url)).length > 0; wait++) await sleep(20);
  expect(await processesWith(silent.url)).toEqual([]);
});

test('a server that sends too much is cut off, and what it sent is removed', async () => {
  const repository = await world.repository();
  await repository.author.commit({ files: { large: randomBytes(2 * 1024 * 1024) }, message: 'Large' });
  const url = await startSlowProxy(new URL(world.server.httpUrl(repository.name)));
  const options = repository.options({ url, limits: { packBytes: 256 * 1024 } });
  const source = await repository.source(options);
  expect((await rejection(source.poll())).code).toBe('too-large');
  expect(await source.accepted()).toBeNull();
  const packs = await readdir(join(options.stateDir, 'source', 'repository.git', 'objects', 'pack'));
  expect(packs).toEqual([]);
});

test('a server that sends the client elsewhere is not followed', async () => {
  const repository = await world.repository();
  await repository.author.commit({ message: 'One' });
  const elsewhere = world.server.httpUrl(repository.name);
  const server = createHttpServer((request, response) => {
    response.writeHead(302, { location: `${elsewhere}${request.url?.replace('/x.git', '')}` }).end();
  });
  const source = await repository.source({ url: await listen(server, '/x.git') });
  expect((await rejection(source.poll())).code).toBe('unreachable');
});

interface SilentServer {
  readonly url: string;
  /** Resolves when the token has come in. */
  readonly received: Promise<void>;
  close(): void;
}

/** Asks for credentials and, once it has them, says nothing more. */
async function startSilentServer(): Promise<SilentServer> {
  const received = Promise.withResolvers<void>();
  const expected = `Basic ${Buffer.from(`git:${TOKEN}`).toString('base64')}`;
  const server = createHttpServer((request, response) => {
    if (request.headers.authorization === expected) received.resolve();
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  });
  const url = await listen(server, '/silent.git');
  return {
    url,
    received: received.promise,
    close: () => close(server),
  };
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}

async function listen(server: Server, path: string): Promise<string> {
  closers.push(() => close(server));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}${path}`;
}

/** Passes bytes on at about 1 MiB a second. @returns its url. */
async function startSlowProxy(target: URL): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer(async (client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => socket.destroy()));
    client.pipe(upstream);
    try {
      await forwardSlowly(upstream, client);
    } catch {
      // The client hung up, which is what the test is about.
    }
    client.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}${target.pathname}`;
}

async function forwardSlowly(from: Socket, to: Socket): Promise<void> {
  for await (const chunk of from) {
    for (let at = 0; at < chunk.length; at += 16_384) {
      to.write(chunk.subarray(at, at + 16_384));
      await sleep(16);
    }
  }
}

/** @returns command line and environment of every process whose command line has the text. */
async function processesWith(text: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const contents = pids.map(async (pid) => {
    const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
    const line = await read('cmdline');
    return line.includes(text) ? [`${line}\n${await read('environ')}`] : [];
  });
  return (await Promise.all(contents)).flat();
}
