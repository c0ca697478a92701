import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findCredentials } from '../../agent/images/registry/credentials.ts';
import { type Certificates, makeCertificates } from '../world/certificates.ts';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { faultyRegistryProxy } from '../world/registry-proxy.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

/** `geheim` as htpasswd(1) -B has it. */
const HTPASSWD = 'user:$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n';

let directory: TempDir;
let registry: Registry;
let image: BuiltImage;
let certificates: Certificates;
let nth = 0;

beforeAll(async () => {
  [directory, registry] = await Promise.all([makeTempDir(), startRegistry()]);
  certificates = makeCertificates(directory.path);
  image = await buildImage({ registry: registry.host, name: 'team/app', tag: '1', layers: [[{ name: 'f' }]] });
});

afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

const freshState = (): string => join(directory.path, `state-${nth++}`);
const repository = 'team/app:1';

describe('a registry over TLS that wants a certificate and a password', () => {
  let strict: Registry;

  beforeAll(async () => {
    const htpasswd = join(directory.path, 'htpasswd');
    await writeFile(htpasswd, HTPASSWD);
    const { server, ca } = certificates;
    const data = join(directory.path, 'strict');
    const open = await startRegistry({ data });
    await buildImage({ registry: open.host, name: 'team/app', tag: '1', layers: [[{ name: 'f' }]] });
    await open.stop();
    strict = await startRegistry({ data, access: { tls: { ...server, clientcas: [ca] }, htpasswd } });
  });
  afterAll(() => strict.stop());

  async function pull(shows: 'certificate' | 'nothing', believes: 'its authority' | 'the system', password: string) {
    const authFile = join(directory.path, `auth-${nth++}.json`);
    await writeFile(authFile, JSON.stringify({ auths: { [strict.host]: { username: 'user', password } } }));
    const { ca, client } = certificates;
    const host = {
      host: strict.host,
      caFile: believes === 'its authority' ? ca : null,
      ...(shows === 'certificate' && { certificateFile: client.certificate, keyFile: client.key }),
    };
    const source = await openSource(freshState(), [], { attempts: 1, authFile, registries: { hosts: [host] } });
    const { facts } = await source.resolve(`${strict.host}/${repository}`);
    await source.pull(facts.digest);
    return source.isPresent(facts.digest);
  }

  test('is reached with all of them', async () => {
    expect(await pull('certificate', 'its authority', 'geheim')).toBe(true);
  });

  test.each<[string, Parameters<typeof pull>, string]>([
    ['a certificate', ['nothing', 'its authority', 'geheim'], 'unreachable'],
    ['its authority', ['certificate', 'the system', 'geheim'], 'unreachable'],
    ['the right password', ['certificate', 'its authority', 'falsch'], 'unauthorized'],
  ])('is not reached without %s', async (_what, how, code) => {
    await expect(pull(...how)).rejects.toMatchObject({ code });
  });

  test('is refused at the start when a file of it is missing', async () => {
    const hosts = [{ host: strict.host, caFile: '/nowhere/ca.pem' }];
    await expect(openSource(freshState(), [], { registries: { hosts } })).rejects.toThrow(/nowhere\/ca\.pem/);
  });
});

describe('a registry with mirrors', () => {
  const origin = 'registry.invalid';
  const resolveThrough = async (mirrors: readonly string[], host = origin) => {
    const plain = [registry.host, ...mirrors.map((mirror) => mirror.split('/')[0] ?? '')];
    const hosts = [{ host, mirrors }];
    const source = await openSource(freshState(), plain, { attempts: 2, registries: { hosts } });
    const { facts } = await source.resolve(`${host}/${repository}`);
    await source.pull(facts.digest);
    return { digest: facts.digest, isPresent: await source.isPresent(facts.digest) };
  };

  test('is not asked when one of them has it', async () => {
    expect(await resolveThrough(['127.0.0.1:1', registry.host])).toEqual({ digest: image.digest, isPresent: true });
  });

  test('may have them below a path', async () => {
    await buildImage({ registry: registry.host, name: 'hub/team/app', tag: '1', layers: [[{ name: 'f' }]] });
    const { digest } = await resolveThrough([`${registry.host}/hub`]);
    expect(digest).toBe(image.digest);
  });

  test.each([
    ['lies about a manifest', '/manifests/', 'corrupt'],
    ['lies about a layer', '/blobs/', 'corrupt'],
    ['has nothing', '/', 'status'],
  ] as const)('is asked when a mirror %s', async (_what, part, type) => {
    const proxy = await faultyRegistryProxy(registry.host, ({ url }) => {
      if (!url.includes(part)) return null;
      return type === 'corrupt' ? { type, atByte: 20 } : { type, status: 404 };
    });
    expect(await resolveThrough([proxy.host], registry.host)).toEqual({ digest: image.digest, isPresent: true });
    expect(proxy.seen.length).toBeGreaterThan(0);
    await proxy.stop();
  });

  test('fails with its own error when all fail', async () => {
    await expect(resolveThrough(['127.0.0.1:1'], '127.0.0.1:2')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('127.0.0.1:2'),
    });
  });
});

describe('a proxy', () => {
  /** @param onlyHost where every tunnel leads, whatever host it was asked for; null for where it was. */
  async function startProxy(onlyHost: string | null = null) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const onward = `http://${registry.host}${new URL(request.url ?? '').pathname}`;
      get(onward, { headers: { accept: request.headers.accept ?? '*/*' } }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
    });
    const tunnels = new Set<Duplex>();
    server.on('connect', (request: IncomingMessage, socket, head) => {
      tunnels.add(socket);
      asked.push(request.url ?? '');
      const [host, port] = (onlyHost ?? request.url ?? '').split(':');
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        onward.write(head);
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const stop = async (): Promise<void> => {
      for (const tunnel of tunnels) tunnel.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    return { asked, url, stop };
  }

  test('is gone through, unless NO_PROXY names the host', async () => {
    const proxy = await startProxy();
    const through = (environment: NodeJS.ProcessEnv, host: string) =>
      openSource(freshState(), [registry.host, host], { attempts: 1, registries: { environment } }).then((source) =>
        source.resolve(`${host}/${repository}`),
      );
    expect((await through({ HTTP_PROXY: proxy.url }, 'plain.invalid')).facts.digest).toBe(image.digest);
    expect(proxy.asked[0]).toMatch(/^http:\/\/plain\.invalid(:80)?\/v2\//);
    const direct = { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
    const before = proxy.asked.length;
    expect((await through(direct, registry.host)).facts.digest).toBe(image.digest);
    expect(proxy.asked).toHaveLength(before);
    await proxy.stop();
  });

  test('carries TLS without ending it', async () => {
    const proxy = await startProxy();
    const { server, ca } = certificates;
    const secure = await startRegistry({ access: { tls: server } });
    const environment = { HTTPS_PROXY: proxy.url };
    const registries = { environment, hosts: [{ host: secure.host, caFile: ca }] };
    const source = await openSource(freshState(), [], { attempts: 1, registries });
    await expect(source.resolve(`${secure.host}/no/such:1`)).rejects.toMatchObject({ code: 'not-found' });
    expect(proxy.asked[0]).toBe(secure.host);
    await secure.stop();
    await proxy.stop();
  });

  // The certificate is for another name, which is looked at once its authority is believed.
  test.each([
    ['with the port that is the default', 'registry.invalid:443', 'registry.invalid:443'],
    ['Docker Hub’s, whose API is elsewhere', 'docker.io', 'registry-1.docker.io:443'],
  ])('shows the authority that was set for a host: %s', async (_what, host, asked) => {
    const { server, ca } = certificates;
    const secure = await startRegistry({ access: { tls: server } });
    const proxy = await startProxy(secure.host);
    const registries = { environment: { HTTPS_PROXY: proxy.url }, hosts: [{ host, caFile: ca }] };
    const source = await openSource(freshState(), [], { attempts: 1, registries });
    await expect(source.resolve(`${host}/no/such:1`)).rejects.toThrow(/altnames/);
    expect(proxy.asked[0]).toBe(asked);
    await secure.stop();
    await proxy.stop();
  });
});

describe('a tag that is asked for again', () => {
  test('costs one HEAD while it has not moved', async () => {
    const proxy = await faultyRegistryProxy(registry.host, () => null);
    const source = await openSource(freshState(), [proxy.host]);
    await source.resolve(`${proxy.host}/${repository}`, { onceFor: 'a' });
    const before = proxy.seen.length;
    await source.resolve(`${proxy.host}/${repository}`, { onceFor: 'b' });
    expect(proxy.seen.slice(before).map(({ url }) => url)).toEqual(['/v2/team/app/manifests/1']);
    expect(proxy.seen.at(-1)?.method).toBe('HEAD');
    await source.resolve(`${proxy.host}/team/app@${image.digest}`, { onceFor: 'a' });
    const pinned = proxy.seen.length;
    await source.resolve(`${proxy.host}/team/app@${image.digest}`, { onceFor: 'b' });
    expect(proxy.seen).toHaveLength(pinned);
    await proxy.stop();
  });

  test('is fetched by a registry that knows no HEAD', async () => {
    const proxy = await faultyRegistryProxy(registry.host, ({ method }) =>
      method === 'HEAD' ? { type: 'status', status: 405 } : null,
    );
    const source = await openSource(freshState(), [proxy.host]);
    await source.resolve(`${proxy.host}/${repository}`, { onceFor: 'a' });
    expect((await source.resolve(`${proxy.host}/${repository}`, { onceFor: 'b' })).facts.digest).toBe(image.digest);
    await proxy.stop();
  });
});

describe('a registry that is busy', () => {
  const asked = async (
    retryAfter: string,
  ): Promise<{ readonly ms: number; readonly times: number; readonly code: string | null }> => {
    const proxy = await faultyRegistryProxy(registry.host, (_request, count) =>
      count === 1 ? { type: 'status', status: 429, headers: { 'retry-after': retryAfter } } : null,
    );
    const source = await openSource(freshState(), [proxy.host]);
    const started = performance.now();
    const code = await source.resolve(`${proxy.host}/${repository}`).then(
      () => null,
      (error: { code: string }) => error.code,
    );
    await proxy.stop();
    return { ms: performance.now() - started, times: proxy.seen.length, code };
  };

  test('is left alone until the date it names', async () => {
    const { ms, code } = await asked(new Date(Date.now() + 2_000).toUTCString());
    expect(code).toBeNull();
    expect(ms).toBeGreaterThan(900);
  });

  test('and names a time far away is not asked again before', async () => {
    expect(await asked('3600')).toMatchObject({ code: 'unreachable', times: 1 });
  });
});

describe('a credential helper', () => {
  const previous = process.env.PATH;
  beforeAll(async () => {
    const bin = join(directory.path, 'bin');
    await mkdir(bin);
    const scripts: Readonly<Record<string, string>> = {
      good: 'read -r server; echo "{\\"Username\\":\\"user@$server\\",\\"Secret\\":\\"s\\"}"',
      token: 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"refresh\\"}"',
      none: 'echo "credentials not found in native keychain"; exit 1',
      broken: 'echo secret-stuff; exit 0',
      failing: 'echo secret-stuff >&2; exit 3',
    };
    for (const [name, text] of Object.entries(scripts)) {
      await writeFile(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${text}\n`);
      await chmod(join(bin, `docker-credential-${name}`), 0o755);
    }
    process.env.PATH = `${bin}:${previous}`;
  });
  afterAll(() => {
    process.env.PATH = previous;
  });
  const ask = async (config: object, host = 'reg.test'): Promise<unknown> => {
    const file = join(directory.path, `helper-${nth++}.json`);
    await writeFile(file, JSON.stringify(config));
    return findCredentials(file, host);
  };

  test('is asked for the registry it is for, and the one for all for the others', async () => {
    const config = { credHelpers: { 'reg.test': 'good' }, credsStore: 'token' };
    expect(await ask(config)).toEqual({ kind: 'password', user: 'user@reg.test', password: 's' });
    expect(await ask(config, 'docker.io')).toEqual({ kind: 'identity-token', token: 'refresh' });
  });

  test('that knows nothing leaves it to the file', async () => {
    const config = { credsStore: 'none', auths: { 'reg.test': { auth: 'dTpw' } } };
    expect(await ask(config)).toEqual({ kind: 'password', user: 'u', password: 'p' });
  });

  test.each(['broken', 'failing', 'absent', '../good'])(
    '%s is refused by name, and what it says is not told',
    async (name) => {
      const error = await ask({ credsStore: name }).catch((thrown: Error) => thrown);
      expect(String(error)).toContain(`docker-credential-${name}`);
      expect(String(error)).not.toContain('secret-stuff');
    },
  );
});
