import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

const IDENTITY = 'refresh-me';

let registry: Registry;
let directory: TempDir;
let image: BuiltImage;
beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
  image = await buildImage({ registry: registry.host, name: 'team/app', layers: [[{ name: 'f' }]] });
});
afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

test.each([
  ['the right identity token', IDENTITY, null],
  ['one that was taken back', 'expired', 'unauthorized'],
])('a token service is shown %s by POST, as OAuth2 has it, and in no URL', async (_what, identitytoken, code) => {
  const asked: { method: string | undefined; url: string | undefined; form: Record<string, string> }[] = [];
  const presented: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const { authorization } = request.headers;
      if (request.url?.startsWith('/token')) {
        const form = Object.fromEntries(new URLSearchParams(await text(request)));
        asked.push({ method: request.method, url: request.url, form });
        const isRight = form.refresh_token === IDENTITY;
        response.writeHead(isRight ? 200 : 401).end(JSON.stringify(isRight ? { access_token: 'short-lived' } : {}));
        return;
      }
      presented.push(authorization);
      const isIn = authorization === 'Bearer short-lived';
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="s",scope="repository:team/app:pull"`;
      response
        .writeHead(
          isIn ? 307 : 401,
          isIn ? { location: `http://${registry.host}${request.url}` } : { 'www-authenticate': challenge },
        )
        .end();
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const authFile = join(directory.path, `${identitytoken}.json`);
  const auth = Buffer.from('<token>:').toString('base64');
  await writeFile(authFile, JSON.stringify({ auths: { [host]: { auth, identitytoken } } }));
  const source = await openSource(join(directory.path, identitytoken), [host, registry.host], { authFile });
  try {
    const resolved = await source.resolve(`${host}/team/app@${image.digest}`).catch((error: Error) => error);
    expect(resolved).toMatchObject(code === null ? { facts: { digest: image.digest } } : { code });
    expect(JSON.stringify(resolved, Object.getOwnPropertyNames(resolved))).not.toContain(identitytoken);
    expect(asked[0]).toEqual({
      method: 'POST',
      url: '/token',
      form: {
        ...{ grant_type: 'refresh_token', client_id: 'holdfast', service: 's', scope: 'repository:team/app:pull' },
        refresh_token: identitytoken,
      },
    });
    expect(presented.every((header) => header === undefined || header === 'Bearer short-lived')).toBe(true);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});
