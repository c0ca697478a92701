import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateKey, sign } from '../world/cosign.ts';
import { buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

let registry: Registry;
let directory: TempDir;
let nth = 0;

beforeAll(async () => {
  [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
});
afterAll(async () => {
  await registry.stop();
  await directory.remove();
});

const fresh = (name: string): string => join(directory.path, `${name}-${nth++}`);
const run = (command: string, ...args: readonly string[]) => promisify(execFile)(command, args);
const copy = (...args: readonly string[]) =>
  run('skopeo', '--insecure-policy', 'copy', '--quiet', '--src-tls-verify=false', '--dest-tls-verify=false', ...args);

/** Pulls an image, from a layout when one is given. @returns its facts and what a file of it holds, uppermost layer first. */
async function pulled(reference: string, file: string, from: string | null = null) {
  const source = await openSource(fresh('state'), [registry.host]);
  if (from !== null) await source.admin.fetch(reference, from);
  const { facts } = await source.resolve(reference);
  await source.pull(facts.digest);
  const layers = await source.layers(facts.digest);
  const texts = await Promise.all(layers.map((layer) => readFile(join(layer, file), 'utf8').catch(() => null)));
  return { facts, layers, text: texts.find((text) => text !== null) };
}

describe('skopeo', () => {
  test.each(['oci', 'v2s2'])('copies an image between registries as %s, and it is whole', async (format) => {
    const image = await buildImage({
      ...{ registry: registry.host, name: 'origin', layers: [[{ name: 'f', content: 'one' }], [{ name: 'g' }]] },
      config: { User: '7', Env: ['A=b'], ExposedPorts: { '80/tcp': {} } },
    });
    const target = `${registry.host}/copied/${format}:1`;
    await copy('--format', format, `docker://${image.reference}`, `docker://${target}`);
    const { facts, text } = await pulled(target, 'f');
    expect(text).toBe('one');
    expect(facts).toMatchObject({ user: '7', envNames: ['A'], exposedPorts: ['80/tcp'], layerCount: 2 });
  });

  test.each(['zstd', 'gzip'])('packs the layers anew with %s, and they are the same unpacked', async (compression) => {
    const name = `origin-${compression}`;
    const image = await buildImage({ registry: registry.host, name, layers: [[{ name: 'f', content: 'packed' }]] });
    const target = `${registry.host}/repacked/${compression}:1`;
    const packing = ['--format', 'oci', '--dest-compress-format', compression, '--dest-force-compress-format'];
    const known = await run('skopeo', 'copy', '--help');
    if (!known.stdout.includes('--dest-force-compress-format')) packing.pop();
    await copy(...packing, `docker://${image.reference}`, `docker://${target}`);
    const [before, after] = [await pulled(image.reference, 'f'), await pulled(target, 'f')];
    expect(after.text).toBe('packed');
    expect(after.facts.layers.map(({ diffId }) => diffId)).toEqual(before.facts.layers.map(({ diffId }) => diffId));
  });

  test.each(['oci', 'oci-archive'])('writes a layout (%s) that fills the store', async (transport) => {
    const image = await buildImage({
      ...{ registry: registry.host, name: 'away', tag: '1', layers: [[{ name: 'f', content: 'offline' }]] },
    });
    const layout = `${transport}:${fresh('layout')}:named`;
    await copy(`docker://${image.reference}`, layout);
    expect((await pulled('registry.invalid/team/app:1', 'f', layout)).text).toBe('offline');
  });
});

describe('umoci', () => {
  test('makes an image by insert and config, in a layout and through a registry', async () => {
    const layout = fresh('umoci');
    const content = fresh('content');
    await mkdir(content);
    await writeFile(join(content, 'hello'), 'by umoci');
    const image = `${layout}:base`;
    await run('umoci', 'init', '--layout', layout);
    await run('umoci', 'new', '--image', image);
    await run('umoci', 'insert', '--image', image, content, '/srv');
    await writeFile(join(content, 'hello'), 'by umoci, again');
    await run('umoci', 'insert', '--image', image, join(content, 'hello'), '/srv/hello');
    const settings = ['--config.user', '1000:1000', '--config.entrypoint', '/srv/hello', '--config.label', 'team=edge'];
    await run(
      'umoci',
      'config',
      '--image',
      image,
      ...settings,
      '--config.exposedports',
      '8080/tcp',
      '--config.env',
      'A=b',
    );

    const offline = await pulled('registry.invalid/team/umoci:1', 'srv/hello', `oci:${image}`);
    expect(offline.text).toBe('by umoci, again');
    expect(offline.facts).toMatchObject({
      ...{ user: '1000:1000', entrypoint: ['/srv/hello'], labels: { team: 'edge' }, envNames: ['A'], layerCount: 2 },
      ...{ exposedPorts: ['8080/tcp'], createdNs: expect.any(Number) },
    });
    const target = `${registry.host}/by/umoci:1`;
    await copy(`oci:${image}`, `docker://${target}`);
    const online = await pulled(target, 'srv/hello');
    expect(online.facts.digest).toBe(offline.facts.digest);
    expect(await readdir(join(online.layers[0] ?? '', 'srv'))).toEqual(['hello']);
  });
});

test('signatures that cosign made come along in a layout, and count without any registry', async () => {
  const key = await generateKey(directory.path);
  const image = await buildImage({ registry: registry.host, name: 'signed', layers: [[{ name: 'f' }]] });
  await sign({ key, reference: image.reference });
  const layout = fresh('signed');
  await copy(`docker://${image.reference}`, `oci:${layout}:1`);
  const signature = `${image.digest.replace(':', '-')}.sig`;
  await copy(`docker://${registry.host}/signed:${signature}`, `oci:${layout}:${signature}`);
  const trustedKeys = [{ name: 'release', keyFile: key.publicKeyFile }];
  const source = await openSource(fresh('state'), [], { trustedKeys });
  await source.admin.fetch('registry.invalid/team/signed:1', `oci:${layout}:1`);
  expect((await source.resolve('registry.invalid/team/signed:1')).facts.signedBy).toEqual(['release']);
});
