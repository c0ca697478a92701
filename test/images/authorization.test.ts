import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseChallenge } from '../../agent/images/registry/challenge.ts';
import { findCredentials } from '../../agent/images/registry/credentials.ts';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

const PASSWORD = 'geheim:with:colons';
const BASIC = `Basic ${Buffer.from(`user:${PASSWORD}`).toString('base64')}`;

let registry: Registry;
let directory: TempDir;
let image: BuiltImage;
let nth = 0;

beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
  image = await buildImage({ registry: registry.host, name: 'team/app', tag: '1', layers: [[{ name: 'f' }]] });
});

afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

interface Guard {
  readonly host: string;
  /** Authorization headers that came with requests for the registry, `none` for those without. */
  readonly presented: readonly string[];
  readonly tokenRequests: readonly IncomingMessage[];
  stop(): Promise<void>;
}

/** A server before the registry that lets in only who shows what it wants, and hands out tokens itself. */
async function guard(
  scheme: 'basic' | 'bearer',
  options: { readonly anonymous?: boolean; readonly realm?: string } = {},
): Promise<Guard> {
  const presented: string[] = [];
  const tokenRequests: IncomingMessage[] = [];
  let issued = 0;
  const server = createServer((request, response) => {
    const { authorization = 'none' } = request.headers;
    if (request.url?.startsWith('/token')) {
      tokenRequests.push(request);
      const mayHave = options.anonymous || authorization === BASIC;
      response.writeHead(mayHave ? 200 : 401).end(mayHave ? JSON.stringify({ token: `token-${++issued}` }) : '');
      return;
    }
    presented.push(authorization);
    if (authorization === (scheme === 'basic' ? BASIC : `Bearer token-${issued}`)) {
      response.writeHead(307, { location: `http://${registry.host}${request.url}` }).end();
      return;
    }
    const realm = options.realm ?? `http://${request.headers.host}/token`;
    const challenge =
      scheme === 'basic' ? 'Basic realm="r"' : `Bearer realm="${realm}",service="s,1",scope="repository:team/app:pull"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    host: `127.0.0.1:${port}`,
    presented,
    tokenRequests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function pullFrom(host: string, login: 'with-login' | 'anonymous'): Promise<string | null> {
  const authFile = join(directory.path, `config-${nth}.json`);
  const auth = Buffer.from(`user:${PASSWORD}`).toString('base64');
  await writeFile(authFile, JSON.stringify({ auths: { [host]: { auth } } }));
  const source = await openSource(
    join(directory.path, `state-${nth++}`),
    [host, registry.host],
    login === 'with-login' ? { authFile } : {},
  );
  try {
    const { facts } = await source.resolve(`${host}/team/app@${image.digest}`);
    await source.pull(facts.digest);
    return null;
  } catch (error) {
    expect((error as Error).message).not.toContain(PASSWORD);
    return (error as { code: string }).code;
  }
}

describe('a registry that asks who is there', () => {
  test.each<['basic' | 'bearer', 'with-login' | 'anonymous', boolean, string | null]>([
    ['basic', 'with-login', false, null],
    ['basic', 'anonymous', false, 'unauthorized'],
    ['bearer', 'with-login', false, null],
    ['bearer', 'anonymous', true, null],
    ['bearer', 'anonymous', false, 'unauthorized'],
  ])('by %s, %s (tokens for all: %s), gives %s', async (scheme, login, anonymous, code) => {
    const server = await guard(scheme, { anonymous });
    try {
      expect(await pullFrom(server.host, login)).toBe(code);
    } finally {
      await server.stop();
    }
  });

  test('is asked for one token, for this repository, and it is used from then on', async () => {
    const server = await guard('bearer');
    try {
      expect(await pullFrom(server.host, 'with-login')).toBeNull();
      expect(server.tokenRequests.map(({ url }) => url)).toEqual([
        '/token?service=s%2C1&scope=repository%3Ateam%2Fapp%3Apull',
      ]);
      expect(server.presented).toEqual(['none', ...server.presented.slice(1).map(() => 'Bearer token-1')]);
      expect(server.presented.length).toBeGreaterThan(2);
    } finally {
      await server.stop();
    }
  });

  test('never gets the password sent over plain HTTP to a host that is not listed', async () => {
    const thief = await guard('bearer');
    const server = await guard('bearer', { realm: `http://${thief.host}/token` });
    try {
      expect(await pullFrom(server.host, 'with-login')).toBe('unauthorized');
      expect(thief.tokenRequests).toEqual([]);
    } finally {
      await server.stop();
      await thief.stop();
    }
  });

  test('that redirects elsewhere does not take the credentials along', async () => {
    const elsewhere = await guard('basic');
    const server = createServer((request, response) => {
      if (request.headers.authorization === BASIC)
        response.writeHead(307, { location: `http://${elsewhere.host}/x` }).end();
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const host = `127.0.0.1:${(server.address() as { port: number }).port}`;
    const authFile = join(directory.path, 'redirect.json');
    await writeFile(authFile, JSON.stringify({ auths: { [host]: { username: 'user', password: PASSWORD } } }));
    const source = await openSource(join(directory.path, `state-${nth++}`), [host, elsewhere.host], { authFile });
    await expect(source.resolve(`${host}/a:1`)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(elsewhere.presented).toEqual(['none']);
    server.closeAllConnections();
    server.close();
    await elsewhere.stop();
  });

  test('cannot be answered from a broken credentials file, which is named', async () => {
    const server = await guard('basic');
    const authFile = join(directory.path, 'broken.json');
    await writeFile(authFile, '{"auths": 5}');
    const source = await openSource(join(directory.path, `state-${nth++}`), [server.host], { authFile });
    await expect(source.resolve(`${server.host}/a:1`)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining(authFile),
    });
    await server.stop();
  });
});

test.each([
  [
    '127.0.0.1:5000',
    { '127.0.0.1:5000': { username: 'a', password: 'b' } },
    { kind: 'password', user: 'a', password: 'b' },
  ],
  ['docker.io', { 'https://index.docker.io/v1/': { auth: 'dTpw' } }, { kind: 'password', user: 'u', password: 'p' }],
  ['host', { 'https://host/v2/': { auth: 'dTpwOnE=' } }, { kind: 'password', user: 'u', password: 'p:q' }],
  ['host', { 'other.host': { auth: 'dTpw' } }, null],
  ['host', { host: { auth: '' } }, null],
])('credentials for %s are found in config.json', async (name, auths, expected) => {
  const file = join(directory.path, `lookup-${nth++}.json`);
  await writeFile(file, JSON.stringify({ auths }));
  expect(await findCredentials(file, name)).toEqual(expected);
});

test.each([
  [undefined, null],
  ['Negotiate', null],
  ['Bearer service="x"', null],
  ['BASIC realm="x"', { scheme: 'basic' }],
  ['Bearer realm="https://a/t", service=b', { scheme: 'bearer', realm: 'https://a/t', service: 'b', scope: null }],
  [
    'bearer scope="a\\"b,c", realm="https://a"',
    { scheme: 'bearer', realm: 'https://a', service: null, scope: 'a"b,c' },
  ],
])('the challenge %s is understood', (header, expected) => {
  expect(parseChallenge(header)).toEqual(expected);
});
